"""Opens every page in Chromium, in both languages, light and dark, wide and narrow, and fails where axe-core finds something or a page is wider than its window.
Then follows a sample of the figures of the sample group's pages (figures.py says which), and fails where one leads to no page that shows it.

    check.py KEIKI [PICTURES]

PICTURES is a folder into which a picture of each is put. Needs chromium, chromium-driver and npm; axe-core comes from the npm registry into a folder of its
own. Exit code: 0 nothing was found, 1 something was, 2 a tool is missing or fails.
"""

import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, HERE)

from browser import Browser  # noqa: E402 (the file beside this one)
from figures import follow  # noqa: E402 (beside this one)
from house import ROLES, make, serve  # noqa: E402 (the folder above)
from programs import run  # noqa: E402

AXE = "axe-core@4.11.0"
PASSWORD = "correct horse battery"
NOWHERE = "/nothing"
PAGES = [
    "/scorecard?period=2026-05", "/compare?period=2026-05", "/kpis", "/kpis/1?period=2026-05", "/kpis/1/rows?period=2026-05", "/kpis/1/difference?period=2026-05&unit=JP1&with_unit=HD",
    "/kpis/1/difference?period=2026-05&unit=JP1&with_revision=2026-06-30", "/actions", "/todo", "/submit", "/evidence", "/batches/1",
    "/programme", "/programme/change?kind=target", "/programme/change?kind=hand_over", "/programme/change?kind=cadence", "/programme/change?kind=unit_add", "/programme/organisation",
    "/close?period=2026-05", "/requests", "/upload-links", "/users", "/log", "/verification", "/system", "/account", "/api/v1/docs", NOWHERE,
]
LOOKS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
RULES = """
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
   .then((found) => done(found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(" | "))));
"""
STATUS = "arguments[arguments.length - 1](performance.getEntriesByType('navigation')[0].responseStatus);"
WIDTH = "arguments[arguments.length - 1](document.documentElement.scrollWidth - window.innerWidth);"


def main(keiki, pictures=None):
    found = []
    with tempfile.TemporaryDirectory() as folder:
        run("npm", "install", "--silent", "--prefix", folder, AXE)
        with open(os.path.join(folder, "node_modules", "axe-core", "axe.min.js"), encoding="utf-8") as file:
            axe = file.read()
        workspace = os.path.join(folder, "workspace")
        link = make(keiki, workspace)
        said = run(keiki, "upload-link", "make", "Tanaka", "--org", "JP1", "--into", "workbook", "--period", "2026-05", "--workspace", workspace)
        PAGES.append(re.search(r"/upload/\w+", said).group())
        process, url = serve(keiki, workspace)
        browser = Browser()
        try:
            sign_in(browser, url, link)
            for language in ("ja", "en"):
                choose(browser, url, language)
                for page in PAGES:
                    for width, scheme in LOOKS:
                        found += look(browser, axe, (url, page), (language, width, scheme), pictures)
        finally:
            browser.close()
            process.terminate()
            process.wait()
        followed, wrong = figures_of_the_sample_group(keiki, os.path.join(folder, "demo"))
    for line in found + wrong:
        print(line)
    found += wrong
    print(f"{len(PAGES)} pages, {followed} figures followed, {len(found)} findings")
    sys.exit(1 if found else 0)


def figures_of_the_sample_group(keiki, workspace):
    """Makes the sample group and follows its figures. Returns how many were followed, and what is wrong."""
    run(keiki, "demo", workspace, "--no-serve")
    said = run(keiki, "user", "add", "tester", "--role", ROLES.replace(",", "@HD,") + "@HD", "--workspace", workspace)
    link = re.search(r"/welcome/\w+", said).group()
    process, url = serve(keiki, workspace)
    browser = Browser()
    try:
        sign_in(browser, url, link)
        return follow(browser)
    finally:
        browser.close()
        process.terminate()
        process.wait()


def sign_in(browser, url, link):
    """Sets the password by the link and signs in."""
    browser.open(url + link)
    browser.write("input[name=password]", PASSWORD)
    browser.write("input[name=again]", PASSWORD)
    browser.click("main button")
    browser.write("input[name=name]", "tester")
    browser.write("input[name=password]", PASSWORD)
    browser.click("main button")
    browser.find("form[action='/sign-out']")


def choose(browser, url, language):
    """Chooses the language that the page offers, where it is not the one that is shown."""
    browser.open(f"{url}/kpis")
    browser.run("arguments[1](document.documentElement.lang === arguments[0] || "
                "document.querySelector(\"form[action='/language'] button\").click() || true);", language)
    browser.open(f"{url}/kpis")


def look(browser, axe, where, how, pictures):
    """Looks at a page: whether it is there, what axe-core finds, and whether it is wider than the window."""
    (url, page), (language, width, scheme) = where, how
    browser.look(width, scheme)
    browser.open(url + page)
    place = f"{page} {language} {width} {scheme}"
    if pictures:
        os.makedirs(pictures, exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", page.strip("/"))
        browser.picture(os.path.join(pictures, f"{name}-{language}-{width}-{scheme}.png"))
    browser.run(axe + "\narguments[arguments.length - 1](true);")
    found = [f"{place}: {one}" for one in browser.run(RULES)]
    status = browser.run(STATUS)
    if status != (404 if page == NOWHERE else 200):
        found.append(f"{place}: answered {status}")
    over = browser.run(WIDTH)
    if over > 0:
        found.append(f"{place}: {over} pixels wider than the window")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
