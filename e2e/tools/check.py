"""Runs security tools on this machine, takes what they print in through `keiki ingest`, and compares how many records came in with
a count of the same output by other means.

    check.py KEIKI

Needs oscap, lynis, nmap and fusioninventory-inventory; cyclonedx-bom is installed from PyPI into a folder of its own. Nothing is scanned but
this machine. Exit code: 0 all agree, 1 some do not, 2 a tool is missing or fails.
"""

import csv
import json
import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from programs import fail, libraries, run  # noqa: E402 (the folder beside this one)

CYCLONEDX = "cyclonedx-bom==7.1.0"
LYNIS_TESTS = "AUTH-9286,AUTH-9328,FILE-6310,KRNL-5820,SSH-7408,NETW-3200,BANN-7126,ACCT-9628"


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def elements(path, name):
    return [element for element in ElementTree.parse(path).iter() if local(element) == name]


# What each tool prints, and what another reading of it counts.


def openscap(folder):
    benchmark = os.path.join(HERE, "benchmark.xml")
    profile = "xccdf_keiki.example_profile_all"
    results, arf = (os.path.join(folder, name) for name in ("results.xml", "arf.xml"))
    # oscap ends with 2 where a rule fails, as one of these does by design.
    run("oscap", "xccdf", "eval", "--profile", profile, "--results", results, "--results-arf", arf, benchmark, codes=(2,), cwd=folder)
    return results, arf


def passed_and_failed(path):
    found = [child.text for rule in elements(path, "rule-result") for child in rule if local(child) == "result"]
    return {"pass": found.count("pass"), "fail": found.count("fail"), "all": len(found)}


def lynis(folder):
    report = os.path.join(folder, "lynis-report.dat")
    log = os.path.join(folder, "lynis.log")
    run("lynis", "audit", "system", "--quick", "--quiet", "--no-colors", "--tests", LYNIS_TESTS.replace(",", " "),
        "--report-file", report, "--logfile", log, codes=(0, 78))
    return report


def tests_of_lynis(path):
    executed, skipped, found = set(), set(), set()
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, value = line.strip().partition("=")
            if key == "tests_executed":
                executed.update(filter(None, value.split("|")))
            elif key == "tests_skipped":
                skipped.update(filter(None, value.split("|")))
            elif key in ("warning[]", "suggestion[]"):
                found.add(value.split("|")[0])
    every = executed | skipped
    return {"fail": len(every & found), "pass": len(executed - found), "all": len(every)}


def nmap(folder):
    path = os.path.join(folder, "nmap.xml")
    run("nmap", "-sT", "-n", "-p", "1-100", "-oX", path, "127.0.0.1")
    return path


def fusioninventory(folder):
    path = os.path.join(folder, "inventory.xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(run("fusioninventory-inventory"))
    return path


def cyclonedx(folder):
    programs = libraries(folder, CYCLONEDX)
    program = os.path.join(programs, "cyclonedx-py")
    bills = {form: os.path.join(folder, f"bill.{form.lower()}") for form in ("JSON", "XML")}
    for form, path in bills.items():
        run(program, "environment", os.path.join(programs, "python"), "--of", form, "-o", path)
    return bills["JSON"], bills["XML"]


def titles(path):
    with open(path, encoding="utf-8") as file:
        return {"all": len({component["name"] for component in json.load(file)["components"]})}


class Workspace:
    """A workspace with a source for each output."""

    def __init__(self, keiki, folder):
        self.keiki, self.folder = keiki, os.path.join(folder, "workspace")
        run(keiki, "init", self.folder)
        os.remove(os.path.join(self.folder, "sources", "assets.toml"))
        with open(os.path.join(self.folder, "org.csv"), encoding="utf-8") as file:
            self.org_unit = next(csv.DictReader(file))["id"]

    def ingest(self, name, kind, path):
        evidence = os.path.join("evidence", name + os.path.splitext(path)[1])
        shutil.copy(path, os.path.join(self.folder, evidence))
        definition = f'name = "{name}"\nkind = "{kind}"\nplace = "{evidence}"\n\n[columns]\norg_unit = "\'{self.org_unit}\'"\n'
        with open(os.path.join(self.folder, "sources", name + ".toml"), "w", encoding="utf-8") as file:
            file.write(definition)
        run(self.keiki, "--workspace", self.folder, "--language", "en", "ingest", name)

    def count(self, dataset, name, where="true"):
        query = f"select cast(sum(weight) as bigint) as records from {dataset} where source = '{name}' and {where}"
        printed = run(self.keiki, "--workspace", self.folder, "sql", "--format", "json", query)
        return int(json.loads(printed)[0]["records"] or 0)


def main(keiki):
    with tempfile.TemporaryDirectory() as folder:
        results, arf = openscap(folder)
        report = lynis(folder)
        scan = nmap(folder)
        inventory = fusioninventory(folder)
        bill, bill_in_xml = cyclonedx(folder)
        names = [child.text for element in elements(inventory, "SOFTWARES") for child in element if child.tag == "NAME"]
        hosts_up = [host for host in elements(scan, "host") if host.find("status").get("state") == "up"]
        expected = [
            ("openscap", "xccdf", results, "rule_results", passed_and_failed(results)),
            ("openscap_arf", "xccdf", arf, "rule_results", passed_and_failed(arf)),
            ("lynis", "lynis", report, "rule_results", tests_of_lynis(report)),
            ("nmap", "nmap", scan, "assets", {"all": len(hosts_up)}),
            ("machine", "fusioninventory", inventory, "assets", {"all": len(elements(inventory, "REQUEST"))}),
            ("software", "fusioninventory_software", inventory, "assets", {"all": len(set(filter(None, names)))}),
            ("bill", "cyclonedx", bill, "assets", titles(bill)),
            ("bill_in_xml", "cyclonedx_xml", bill_in_xml, "assets", titles(bill)),
        ]
        faults = 0
        for name, kind, path, dataset, counts in expected:
            # Two readings of one thing resolve to one record: each is counted in a workspace of its own.
            workspace = Workspace(keiki, tempfile.mkdtemp(dir=folder))
            workspace.ingest(name, kind, path)
            for what, count in counts.items():
                found = workspace.count(dataset, name, "true" if what == "all" else f"result = '{what}'")
                if not counts["all"] or found != count:
                    faults += 1
                    print(f"{name}: {found} records ({what}) came in, the output has {count}")
            print(f"{name}: {counts['all']} records of kind {kind}")
        sys.exit(1 if faults else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        fail(__doc__)
    main(os.path.abspath(sys.argv[1]))
