"""Follows figures of the sample group's pages to where they lead, by the script with which a test follows every figure of a small house.

The sample group has thousands of figures, so this is a sample: figures are of one kind where their addresses differ in values alone (numbers, org units, periods,
indicators), and of each kind on a page the first, the one in the middle and the last are followed. A figure has to lead to a page that answers and shows the same number.
"""

import json
import os
import re
from urllib.parse import parse_qsl, urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "..", "..", "crates", "keiki", "tests", "web", "figures.js")
# What pages set as figures, and the tables of records, where the way ends: as in crates/keiki/tests/web/figures.rs.
MARKED = ".v, .big, .number, td.r"
RECORDS = "table.records"
MONTH = "2026-09"
# KPIs of each kind: a ratio of counts, a rate of findings, people, a time with its distribution, a budget, a test.
PAGES = [f"/scorecard?period={MONTH}", "/scorecard?period=FY2026-Q2&unit=JP3", f"/compare?period={MONTH}&with_period=2026-06", f"/compare?period={MONTH}&unit=JP1&with_unit=JP2&with_period={MONTH}",
         *(f"/kpis/{no}?period={MONTH}" for no in (1, 7, 8, 11, 24, 34)), f"/kpis/1/rows?period={MONTH}", f"/kpis/1/difference?period={MONTH}&with_period=2026-06", "/evidence"]
CALL = """
const [MARKED, RECORDS, call, ...asked] = arguments;
const done = asked.pop();
%s
({ figures, shows })[call](...asked).then(done, (error) => done({ status: String(error), figures: [], missing: [] }));
"""


def follow(browser):
    """Follows a sample of the figures of PAGES on the server whose page is open. Returns how many were followed, and what is wrong."""
    with open(SCRIPT, encoding="utf-8") as file:
        script = CALL % file.read()
    wanted, wrong = {}, []
    for page in PAGES:
        found = browser.run(script, MARKED, RECORDS, "figures", page)
        if found["status"] != 200:
            wrong.append(f"{page} answers {found['status']}")
        if not found["figures"]:
            wrong.append(f"{page} has no figures")
        wrong += [f"{page}: {one['text']} leads nowhere" for one in found["figures"] if not one["href"]]
        for one in chosen([one for one in found["figures"] if one["href"]]):
            href = one["href"] if not one["href"].startswith("#") else page + one["href"]
            wanted.setdefault(href, set()).add(one["text"])
    for href, texts in wanted.items():
        found = browser.run(script, MARKED, RECORDS, "shows", href, sorted(texts))
        if found["status"] != 200 or found["missing"]:
            wrong.append(f"{href} answers {found['status']} without {json.dumps(found['missing'], ensure_ascii=False)}")
    return sum(map(len, wanted.values())), wrong


def chosen(figures):
    """Of each kind of figure the first, the one in the middle and the last."""
    kinds = {}
    for one in figures:
        kinds.setdefault(kind(one["href"]), []).append(one)
    return [alike[at] for alike in kinds.values() for at in sorted({0, len(alike) // 2, len(alike) - 1})]


def kind(href):
    """An address without its values."""
    parts = urlsplit(href)
    names = [name for name, _ in parse_qsl(parts.query)]
    return re.sub(r"\d+", "0", parts.path), tuple(names), re.sub(r"\d+", "0", parts.fragment)
