"""Counts the records in the fixtures of each kind of source with Python's own parsers, and compares the counts with the outcomes
that the tests of the ingest hold.

    formats.py

Every kind that reads files has a fixture among them. Exit code: 0 all agree, 1 some do not.
"""

import csv
import glob
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

import forms

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../crates/keiki-ingest/fixtures")


def one(folder, pattern):
    (path,) = glob.glob(os.path.join(folder, pattern))
    return path


def loaded(folder, pattern="*.json"):
    found = []
    for path in sorted(glob.glob(os.path.join(folder, pattern))):
        with open(path, encoding="utf-8") as file:
            found.append(json.load(file))
    return found


def lines_of_json(folder):
    with open(one(folder, "*.ndjson"), encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def root(folder, pattern="*.xml"):
    """The root of an XML file, with local names."""
    tree = ElementTree.parse(one(folder, pattern)).getroot()
    for element in tree.iter():
        element.tag = element.tag.rsplit("}", 1)[-1]
    return tree


def rows(folder):
    with open(one(folder, "*.csv"), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def nessus_vulnerabilities(folder):
    found = set()
    for item in root(folder, "*.nessus").iter("ReportItem"):
        if item.get("severity") != "0":
            found.update([cve.text for cve in item.findall("cve")] or [item.get("pluginID")])
    return len(found)


def trivy(folder):
    return len({v["VulnerabilityID"] for report in loaded(folder) for result in report["Results"] for v in result.get("Vulnerabilities") or []})


def grype(folder):
    def number(match):
        name = match["vulnerability"]["id"]
        related = match["relatedVulnerabilities"]
        return name if name.startswith("CVE-") or not related else related[0]["id"]

    return len({number(match) for report in loaded(folder) for match in report["matches"]})


def ocsf_vulnerabilities(folder):
    open_findings = [f for f in lines_of_json(folder) if f["class_uid"] == 2002 and f["status_id"] != 4]
    return len({v["cve"]["uid"] for finding in open_findings for v in finding["vulnerabilities"]})


def ocsf_compliance(folder):
    return len({(f["resources"][0]["uid"], f["metadata"]["event_code"]) for findings in loaded(folder) for f in findings})


def lynis(folder):
    with open(one(folder, "*.dat"), encoding="utf-8") as file:
        text = file.read()
    lists = re.findall(r"^tests_(?:executed|skipped)=(.*)$", text, re.MULTILINE)
    return len({test for names in lists for test in names.split("|") if test})


def software_of_glpi(folder):
    return len({software["name"] for machine in loaded(folder) for software in machine["content"].get("softwares", [])})


def bill(folder):
    kept = [c for c in loaded(folder)[0]["components"] if c["type"] != "file"]
    return len({(c.get("group"), c["name"]) for c in kept})


def bill_in_xml(folder):
    components = root(folder).find("components").findall("component")
    return len({(c.findtext("group"), c.findtext("name")) for c in components if c.get("type") != "file"})


COUNTS = {
    "nessus/valid/a_web_server": nessus_vulnerabilities,
    "nessus/valid/scanned_machines": lambda folder: len(list(root(folder, "*.nessus").iter("ReportHost"))),
    "trivy/valid/an_image": trivy,
    "grype/valid/a_folder": grype,
    "ocsf_vulnerabilities/valid/findings_in_lines": ocsf_vulnerabilities,
    "nvd/valid/a_page": lambda folder: sum(v["cve"]["vulnStatus"] != "Rejected" for v in loaded(folder)[0]["vulnerabilities"]),
    "xccdf/valid/openscap": lambda folder: len(list(root(folder).iter("rule-result"))),
    "ocsf_compliance/valid/prowler": ocsf_compliance,
    "lynis/valid/a_machine": lynis,
    "glpi/valid/computers_a_phone_and_a_printer": lambda folder: len(loaded(folder)),
    "glpi_software/valid/computers_and_a_phone": software_of_glpi,
    "fusioninventory/valid/a_machine": lambda folder: len([root(folder)]),
    "fusioninventory_software/valid/a_machine": lambda folder: len({s.findtext("NAME") for s in root(folder).iter("SOFTWARES")}),
    "cyclonedx/valid/a_library": bill,
    "cyclonedx_xml/valid/a_container": bill_in_xml,
    "nmap/valid/one_host": lambda folder: sum(h.find("status").get("state") == "up" for h in root(folder).iter("host")),
    "gophish/valid/a_campaign": lambda folder: len(loaded(folder)[0]["results"]),
    "gophish_csv/valid/results": lambda folder: len(rows(folder)),
    "moodle_completion/valid/two_people": lambda folder: len(rows(folder)),
    "moodle_quiz/valid/a_mark_that_passes": lambda folder: sum(row["State"] == "Finished" for row in rows(folder)),
    "servicenow_incidents/valid/three_incidents": lambda folder: len(rows(folder)),
    "jira_incidents/valid/two_issues": lambda folder: len(rows(folder)),
    "redmine_incidents/valid/two_issues": lambda folder: len(rows(folder)),
    "redmine_incidents_ja/valid/two_issues": lambda folder: len(rows(folder)),
}


def outcome(folder):
    """How many records came in, and how many were rejected."""
    with open(os.path.join(folder, "outcome.snap"), encoding="utf-8") as file:
        text = file.read()
    return [int(re.search(rf"^{word}: (\d+)$", text, re.MULTILINE).group(1)) for word in ("accepted", "rejected")]


def main():
    faults = 0
    for name, count in {**COUNTS, **forms.COUNTS}.items():
        folder = os.path.join(FIXTURES, name)
        there, (accepted, rejected) = count(folder), outcome(folder)
        # In plain forms a record that breaks a rule stands there as well as any other.
        wanted = {accepted, accepted + rejected} if name in forms.COUNTS else {accepted}
        if there not in wanted or not there:
            faults += 1
            print(f"{name}: {accepted} records came in and {rejected} were rejected, the files hold {there}")
    counted = {name.split("/")[0] for name in (*COUNTS, *forms.COUNTS)}
    for kind in sorted(set(os.listdir(FIXTURES)) - counted - {"datasets"}):
        faults += 1
        print(f"{kind}: no fixture is counted")
    print(f"{len(COUNTS) + len(forms.COUNTS)} fixtures of {len(counted)} kinds counted, {faults} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
