"""Builds every edition of the sample group's statement and reads it back: text, pages, fonts, tags and PDF/A of the PDF, every cell of
the workbook, the page, the data against its schema, the OSCAL results against NIST's.

    check.py KEIKI

Needs qpdf and poppler-utils; pikepdf, openpyxl and jsonschema are installed from PyPI into a folder of their own. veraPDF is in no
registry that a test can reach, so conformance to PDF/A-2b and PDF/UA-1 is held by what Typst enforces while it writes, by `qpdf --check`, and
by the structural rules below; where a command `verapdf` is on the path, it is asked too. Exit code: 0 all agree, 1 something does not, 2 a tool is missing or fails.
"""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from programs import fail, libraries, run  # noqa: E402 (the folder beside this one)

LIBRARIES = ["pikepdf==10.18.0", "openpyxl==3.1.5", "jsonschema==4.26.0"]
PERIOD = "2026-09"
LANGUAGES = ("ja", "en")
CAUSE = "the base that holds identities is being replaced"
ACTION = "finish the replacement"
INSTRUCTION = "say what an outage of the order system would cost"
EVIL = "#pagebreak() $x$ *a* <b>[1"


def main(keiki):
    with tempfile.TemporaryDirectory() as folder:
        python = os.path.join(libraries(folder, *LIBRARIES), "python")
        workspace = os.path.join(folder, "demo")
        run(keiki, "--language", "en", "demo", workspace)
        build(keiki, workspace, folder)
        done = subprocess.run([python, os.path.join(HERE, "read.py"), folder])
        sys.exit(done.returncode)


def build(keiki, workspace, folder):
    """Closes a month, restates it, and writes every edition of it."""
    ask = lambda *words, **more: run(keiki, *words, "--workspace", workspace, **more)
    second = ("--agreed-by", "second person")
    # A company's name that would do harm if a renderer read it as code.
    organisation = os.path.join(workspace, "org.csv")
    text = open(organisation, encoding="utf-8").read()
    changed = text.replace("JP2,HD,架空商事,Fictional Trading,", f"JP2,HD,{EVIL},{EVIL},")
    if changed == text:
        fail("org.csv of the sample group has no JP2 as it was")
    with open(organisation, "w", encoding="utf-8") as file:
        file.write(changed)
    ask("notes", "explain", "7", "--org", "HD", "--period", PERIOD, "--cause", CAUSE,
        "--action", ACTION, "--owner", "system owner", "--due", "2026-11-30")
    ask("notes", "instruct", INSTRUCTION, "--period", "2026-08", "--owner", "CISO", "--due", "2026-12-25")
    ask("close", PERIOD, "--reason", "cut-off", *second)
    for language in LANGUAGES:
        for edition in ("board", "full"):
            # One of them twice: the same statement gives the same bytes.
            for time in ("first", "again") if (language, edition) == ("ja", "board") else ("first",):
                file = os.path.join(folder, f"{language}-{edition}-{time}.pdf")
                ask("--language", language, "statement", PERIOD, "--format", "pdf", "--edition", edition, "--output", file)
        file = os.path.join(folder, f"{language}.html")
        ask("--language", language, "statement", PERIOD, "--format", "html", "--edition", "full", "--output", file)
        file = os.path.join(folder, f"{language}.xlsx")
        ask("--language", language, "statement", PERIOD, "--format", "xlsx", "--output", file)
    ask("statement", PERIOD, "--format", "oscal", "--output", os.path.join(folder, "oscal.json"))
    with open(os.path.join(folder, "statement.json"), "w") as file:
        file.write(ask("statement", PERIOD, "--format", "json"))
    closed = json.load(open(os.path.join(folder, "statement.json")))
    known = ("--known-at", closed["closed_at"], "--journal-version", str(closed["journal_version"]))
    with open(os.path.join(folder, "measured.json"), "w") as file:
        file.write(ask("measure", "--period", PERIOD, "--all-orgs", *known, "--format", "json"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        fail(__doc__)
    main(os.path.abspath(sys.argv[1]))
