"""Takes a picture of every main page over the sample group: in both languages, light and dark, narrow and wide, the scorecard for a wall screen too.

    pictures.py KEIKI FOLDER [WORKSPACE]

Makes the sample group (or takes the one in WORKSPACE), gives each role an account, starts the server, and lets each role open its pages as they are in the
middle of work: a file looked at before it is taken in, a change of the programme before it is made, a request that waits. The pictures are put into FOLDER; with
ImageMagick a contact sheet of each look beside them. `office.png` is the README's picture. Needs chromium and chromium-driver. Exit code: 0 all pictures were taken
and no page is wider than its window, 1 a page is, 2 a tool is missing or fails.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
sys.path.insert(0, HERE)

from browser import Browser  # noqa: E402 (the file beside this one)
from house import serve  # noqa: E402 (the folder above)
from programs import fail, run  # noqa: E402

PASSWORD = "correct horse battery"
LANGUAGES = ("ja", "en")
LOOKS = [(1440, "light"), (1440, "dark"), (360, "light"), (360, "dark")]
WALL = (1920, "light")
MONTH = "2026-09"
# Pages that are taken on paper too.
PRINTED = ("scorecard", "kpi-durations", "actions", "close", "rows")
README = ("executive", "scorecard", "en", 1280, "light")
README_HEIGHT = 1640
# ImageMagick as Debian sets it up reads no picture that is higher. *Units*: pixels.
SHEET_HEIGHT = 16000
ROLES = {
    "executive": "executive@HD",
    "office": "programme_office@HD",
    "owner": "data_owner@JP1,personal_reader@JP1",
    "approver": "approver@HD,executive@HD",
    "auditor": "auditor@HD",
    "administrator": "administrator@HD",
    "newcomer": "",
}
# What each opens: a name, and a path. Pages in the middle of something are reached by PREPARED.
PAGES = {
    None: [("sign-in", "/sign-in")],
    "executive": [("scorecard", f"/scorecard?period={MONTH}"), ("company", f"/scorecard?period={MONTH}&unit=JP3"), ("kpis", "/kpis"),
                  ("compare", f"/compare?period={MONTH}&with_period=2026-06"), ("kpi-counts", f"/kpis/1?period={MONTH}"), ("kpi-durations", f"/kpis/24?period={MONTH}"), ("kpi-missed", f"/kpis/6?period={MONTH}"),
                  ("rows", f"/kpis/7/rows?period={MONTH}"), ("difference", f"/kpis/1/difference?period={MONTH}&with_period=2026-06"), ("quarter", "/scorecard?period=FY2026-Q2"), ("programme", "/programme"), ("organisation", "/programme/organisation"),
                  ("no-figures", "/scorecard?period=2019-04"), ("nowhere", "/nothing"), ("forbidden", "/users"), ("no-such-period", "/scorecard?period=2026-13")],
    "office": [("evidence", "/evidence"), ("batch", "/batches/1"), ("close", f"/close?period={MONTH}"), ("upload-links", "/upload-links"),
               ("change", "/programme/change?kind=hand_over"), ("cadence", "/programme/change?kind=cadence"), ("office-actions", "/actions"), ("unit-add", "/programme/change?kind=unit_add"), ("office-requests", "/requests")],
    "owner": [("todo", "/todo"), ("actions", "/actions"), ("submit", "/submit"), ("account", "/account"), ("owner-kpi", f"/kpis/33?period={MONTH}")],
    "approver": [("requests", "/requests")],
    "auditor": [("log", "/log"), ("verification", "/verification"), ("auditor-batch", "/batches/2")],
    "administrator": [("users", "/users"), ("system", "/system"), ("api", "/api/v1/docs")],
    "newcomer": [("no-role", "/")],
}
WIDTH = "arguments[arguments.length - 1](document.documentElement.scrollWidth - window.innerWidth);"
HERE_IS = "arguments[arguments.length - 1](location.pathname + location.search);"
FILL = """
const [button, fields, done] = arguments;
const form = document.querySelector(button).closest("form");
const missing = Object.keys(fields).filter((name) => form.querySelector(`[name="${name}"]`) === null);
for (const name of Object.keys(fields).filter((name) => !missing.includes(name))) {
  const field = form.querySelector(`[name="${name}"]`);
  if (fields[name] === true) field.checked = true; else field.value = fields[name];
}
done(missing.join(", "));
"""
ASSETS = ("asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on\n"
          "P-1,JP1,hardware,File server,true,E1,2026-04-01,2026-09-01,2026-09-01,declaration,\n"
          "P-2,JP1,hardware,Switch,true,E1,2026-04-01,31 September 2026,,,\n"
          "P-3,US1,hardware,Laptop,true,E2,2026-04-01,2026-09-01,,,\n")
# So many rows that, slowly sent, they are still on their way when the picture is taken.
MANY = ASSETS + "".join(f"Q-{number},JP1,hardware,Laptop,true,E1,2026-04-01,2026-09-01,,,\n" for number in range(40000))
# *Units*: bytes a second.
SLOWLY = 200000
# The form of a company, as `collect export` names it.
WORKBOOK = f"JP1_{MONTH}.xlsx"
# The address of an upload link, which is made when all begins.
UPLOAD = "UPLOAD"
# What is done once, in the first language.
ONCE = ("factor",)
# How a page in the middle of something is reached: by whom, its name, from where (None = from the page before), what is filled in, and what is clicked. LANGUAGE
# stands for the language in which it is looked at, so that what is made in one does not meet what was made in the other.
PREPARED = [
    (None, "sign-in-refused", "/sign-in", {"name": "nobody", "password": "wrong"}, "main button.main"),
    (None, "upload-preview", UPLOAD, {"file": WORKBOOK}, "form[enctype] button.main"),
    ("owner", "preview", "/submit", {"into": "dataset:assets", "unit": "", "as_of": "2026-09-30", "file": ASSETS}, "form[enctype] button.main"),
    ("owner", "taken", None, {}, "form[action$='/confirm'] button"),
    ("owner", "workbook-preview", "/submit", {"into": "workbook", "file": WORKBOOK}, "form[enctype] button.main"),
    ("owner", "sending", "/submit", {"into": "dataset:assets", "unit": "JP1", "file": MANY}, "form[enctype] button.main"),
    ("owner", "submit-refused", "/submit", {"into": "workbook", "file": ASSETS}, "form[enctype] button.main"),
    ("owner", "factor", "/account", {}, "form[action='/account/second-factor'] button"),
    ("owner", "token", "/account", {"name": "Dashboard", "right": True}, "form[action='/account/tokens'] button"),
    ("office", "change-preview", "/programme/change?kind=target",
     {"kpi": "4", "org_unit": "HD", "at_least": "0.95", "from": "2026-10-01", "reason": "The board of September raised it"}, "button[value=preview]"),
    ("office", "change-asked", None, {}, "button[value=make]"),
    ("office", "unit-preview", "/programme/change?kind=unit_add", {"id": "JP9", "parent_id": "HD", "name_ja": "架空物流", "name_en": "Logistics", "unit_kind": "subsidiary", "country": "JP", "from": "2026-11-01"},
     "button[value=preview]"),
    ("office", "unit-refused", "/programme/change?kind=unit_add", {"id": "JP1", "parent_id": "HD", "name_ja": "架空物流", "name_en": "Logistics", "unit_kind": "subsidiary", "country": "JP", "from": "2026-11-01"},
     "button[value=preview]"),
    ("office", "unit-end", "/programme/change?kind=unit_end&id=JP3", {"last_day": "2026-12-31"}, "button[value=preview]"),
    ("office", "asked", f"/close?period={MONTH}", {"reason": "October brings what is missing"}, "form[action='/close/request'] button"),
    ("office", "instructed", "/actions", {"period": MONTH, "what": "Report on the overseas entity in October", "owner": "CISO", "due_on": "2026-10-31"}, "form[action='/instructions'] button"),
    ("office", "link-made", "/upload-links", {"holder": "Suzuki", "unit": "JP2", "period": MONTH}, "form[action='/upload-links'] button"),
    ("auditor", "verified", "/verification", {}, "form[action='/verification'] button"),
    ("administrator", "user-made", "/users", {"name": "new-LANGUAGE", "role": "data_owner", "unit": "JP2"}, "form[action='/users'] button"),
]


def main(keiki, folder, workspace=None):
    keiki = os.path.abspath(keiki)
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        if workspace is None:
            workspace = os.path.join(temporary, "demo")
            run(keiki, "demo", workspace)
        links = accounts(keiki, workspace)
        run(keiki, "collect", "export", "--org", "JP1", "--period", MONTH, "--datasets", "assets", "--out", temporary, "--workspace", workspace)
        said = run(keiki, "upload-link", "make", "Tanaka", "--org", "JP1", "--into", "workbook", "--period", MONTH, "--workspace", workspace)
        link = re.search(r"/upload/\w+", said).group()
        PAGES[None].append(("upload", link))
        process, url = serve(keiki, workspace)
        found = []
        try:
            for who, language in [(who, language) for who in PAGES for language in LANGUAGES]:
                browser = Browser(language)
                try:
                    if who:
                        sign_in(browser, url, who, links)
                    else:
                        browser.open(url + "/sign-in")
                    choose(browser, language)
                    found += take(browser, url, PAGES[who] + prepared((who, language), link, temporary), (who, language), folder)
                finally:
                    browser.close()
        finally:
            process.terminate()
            process.wait()
    sheets(folder)
    for line in found:
        print(line)
    print(f"{sum(name.endswith('.png') for name in os.listdir(folder))} pictures, {len(found)} findings")
    sys.exit(1 if found else 0)


def accounts(keiki, workspace):
    """Gives each role an account. Returns the links by which they set their passwords."""
    links = {}
    for name, roles in ROLES.items():
        granted = ["--role", roles] if roles else []
        run(keiki, "user", "add", name, *granted, "--workspace", workspace, codes=(0, 1))
        said = run(keiki, "user", "password", name, "--workspace", workspace)
        links[name] = re.search(r"/welcome/\w+", said).group()
    return links


def sign_in(browser, url, name, links):
    """Signs in; the first time the password is set by the link."""
    if name in links:
        browser.open(url + links.pop(name))
        browser.write("input[name=password]", PASSWORD)
        browser.write("input[name=again]", PASSWORD)
        browser.click("main button")
    else:
        browser.open(url + "/sign-in")
    browser.write("input[name=name]", name)
    browser.write("input[name=password]", PASSWORD)
    browser.click("main button.main")
    browser.find("form[action='/sign-out']")


def choose(browser, language):
    """Chooses the language by the button of the page that is open."""
    browser.run("arguments[1](document.documentElement.lang === arguments[0] || "
                "document.querySelector(\"form[action='/language'] button\").click() || true);", language)
    browser.find(f"html[lang={language}]")


def prepared(who, link, temporary):
    """The pages in the middle of somebody's work, each with how it is reached."""
    role, language = who
    ways = [(name, path, fields, button) for by, name, path, fields, button in PREPARED if by == role and (name not in ONCE or language == LANGUAGES[0])]
    named = [(name, link if path == UPLOAD else path, {one: put(value, language) for one, value in fields.items()}, button) for name, path, fields, button in ways]
    return [(name, (path, fields, button, temporary)) for name, path, fields, button in named]


def put(value, language):
    """What is filled in, with the language in its place."""
    return value.replace("LANGUAGE", language) if isinstance(value, str) else value


def reach(browser, url, page):
    """Opens a page, filling in and clicking what leads to it."""
    if isinstance(page, str):
        browser.open(url + page)
        return
    path, fields, button, temporary = page
    if path:
        browser.open(url + path)
    fields = dict(fields)
    text = fields.pop("file", None)
    missing = browser.run(FILL, button, fields)
    if missing:
        fail(f"{path} has no field {missing}")
    if text:
        # A file that is there already is named, another one written.
        file = os.path.join(temporary, text if text == WORKBOOK else "assets.csv")
        if text != WORKBOOK:
            with open(file, "w", encoding="utf-8") as written:
                written.write(text)
        browser.write("input[type=file]", file)
    if text == MANY:
        browser.sends_at(SLOWLY)
        browser.click(button)
        browser.find("main progress")
        return
    before = browser.find("main")
    browser.click(button)
    # A file is sent and read before its page is there.
    for _ in range(6000):
        if browser.find("main") != before:
            return
        time.sleep(0.1)
    fail(f"{path} leads nowhere")


def take(browser, url, pages, who, folder):
    """Takes the pictures of somebody's pages in one language. Returns what does not fit."""
    (role, language), found = who, []
    for name, page in pages:
        reach(browser, url, page)
        here = browser.run(HERE_IS)
        looks = LOOKS + ([WALL, README[3:]] if name == "scorecard" else [])
        for width, scheme in looks:
            browser.look(width, scheme)
            browser.picture(os.path.join(folder, f"{name}-{language}-{width}-{scheme}.png"))
            over = browser.run(WIDTH)
            if over > 0:
                found.append(f"{here} {language} {width} {scheme}: {over} pixels wider than the window")
            if name in PRINTED and (width, scheme) == LOOKS[0]:
                browser.print(os.path.join(folder, f"{name}-{language}.pdf"))
            if (role, name, language, width, scheme) == README:
                browser.picture(os.path.join(folder, "office.png"), README_HEIGHT)
        browser.sends_at(None)
    return found


def height(picture):
    """How high a PNG is. *Source*: PNG specification, IHDR."""
    with open(picture, "rb") as file:
        return int.from_bytes(file.read(24)[20:24], "big")


def sheets(folder):
    """Puts the pictures of each look on one sheet, where ImageMagick is there; what is higher than Debian lets it read stays out."""
    if shutil.which("montage") is None:
        return
    # Its own font is not there everywhere; a browser has brought one.
    font = run("fc-match", "-f", "%{file}", "sans-serif")
    for language in LANGUAGES:
        for width, scheme in LOOKS:
            end = f"-{language}-{width}-{scheme}.png"
            names = sorted(name for name in os.listdir(folder) if name.endswith(end))
            names = [name for name in names if height(os.path.join(folder, name)) < SHEET_HEIGHT]
            size = f"{width // 2}x{1600 if width > 600 else 1400}"
            # Each is made small as it is read: all of them at their size are more than ImageMagick keeps.
            pictures = [f"{os.path.join(folder, name)}[{size}]" for name in names]
            subprocess.run(["montage", "-font", font, "-label", "%f", *pictures, "-tile", "8x", "-geometry", f"{size}+8+8", os.path.join(folder, f"sheet{end[:-4]}.jpg")], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
