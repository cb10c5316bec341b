"""Reads the editions back that `check.py` wrote into a folder."""

import html.parser
import json
import os
import re
import shutil
import subprocess
import sys

import jsonschema
import openpyxl
import pikepdf

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
ROOT_UNIT = "HD"
CAUSE = "the base that holds identities is being replaced"
ACTION = "finish the replacement"
INSTRUCTION = "say what an outage of the order system would cost"
EVIL = "#pagebreak() $x$ *a* <b>[1"
found = []


def expect(holds, message):
    if not holds:
        found.append(message)


def read_json(folder, name):
    return json.load(open(os.path.join(folder, name)))


def text_of(file, page):
    done = subprocess.run(["pdftotext", "-f", str(page), "-l", str(page), "-layout", file, "-"], capture_output=True, text=True, check=True)
    return done.stdout


def squeezed(text):
    return re.sub(r"\s+", "", text)


# The PDF.


def filled(name, file, count):
    """No page of the board's edition but the last is nearly empty: its text reaches below the middle, the footer aside."""
    done = subprocess.run(["pdftotext", "-bbox", file, "-"], capture_output=True, text=True, check=True)
    for number, page in enumerate(done.stdout.split("<page ")[1:count], 1):
        lowest = max((float(at) for at in re.findall(r'yMax="([0-9.]+)">', page) if float(at) < 780), default=0)
        expect(lowest > 421, f"{name}: page {number} is empty from {lowest:.0f} points on")


def pdf(folder, language, edition, measurements):
    file = os.path.join(folder, f"{language}-{edition}-first.pdf")
    name = f"{language} {edition} PDF"
    again = os.path.join(folder, f"{language}-{edition}-again.pdf")
    if os.path.exists(again):
        expect(open(file, "rb").read() == open(again, "rb").read(), f"{name}: the same statement gives other bytes")
    checked = subprocess.run(["qpdf", "--check", file], capture_output=True, text=True)
    expect(checked.returncode == 0, f"{name}: qpdf: {checked.stdout} {checked.stderr}")
    document = pikepdf.open(file)
    archival(name, document)
    tagged(name, document, language)
    validated(name, file)
    fonts(name, file)
    pages = [text_of(file, page) for page in range(1, len(document.pages) + 1)]
    title = {"ja": "2026年9月度KPI報告書", "en": "KPIstatement,September2026"}[language]
    expect(title in squeezed(pages[0]), f"{name}: the first page does not say {title}")
    for number, page in enumerate(pages, 1):
        expect(f"{number}/{len(pages)}" in squeezed(page), f"{name}: page {number} carries no number")
        width, height = (float(document.pages[number - 1].MediaBox[at]) for at in (2, 3))
        expect(abs(width - 595.28) < 1 and abs(height - 841.89) < 1, f"{name}: page {number} is not A4")
    if edition == "board":
        filled(name, file, len(pages))
    whole = squeezed("".join(pages))
    expect(squeezed(INSTRUCTION) in squeezed(pages[0]), f"{name}: the first page leaves out what the board asked for")
    for said in (CAUSE, ACTION):
        expect(squeezed(said) in whole, f"{name}: what people said is not in it: {said}")
    if edition == "full":
        expect(squeezed(EVIL) in whole, f"{name}: a name was read as code")
    numbers = sorted({one["no"] for one in measurements if one["org_unit"] == ROOT_UNIT})
    with document.open_outline() as outline:
        titles = [squeezed(str(item.title)) for item in flat(outline.root)]
    for no in numbers:
        expect(any(re.match(rf"{no}\D", one) for one in titles), f"{name}: KPI {no} has no bookmark")
    for one in measurements:
        if one["org_unit"] == ROOT_UNIT and not one["companion"] and one["unit"] == "ratio" and one["value"] is not None:
            shown = percent(one["value"])
            expect(shown in whole, f"{name}: KPI {one['no']} {one['indicator']}: {shown} stands nowhere")
    return len(pages)


def percent(value):
    """A share as the report writes it: one decimal, two below one percent."""
    digits = 2 if 0 < value < 0.01 else 1
    return f"{value * 100:.{digits}f}%"


def flat(items):
    for item in items:
        yield item
        yield from flat(item.children)


def archival(name, document):
    """The rules of ISO 19005-2 that a file's structure shows."""
    root = document.Root
    with document.open_metadata() as metadata:
        part, level = metadata.get("pdfaid:part"), metadata.get("pdfaid:conformance")
        expect((part, level) == ("2", "B"), f"{name}: XMP says PDF/A-{part}{level}")
        expect(bool(metadata.get("dc:title")), f"{name}: XMP has no title")
    expect(not document.is_encrypted, f"{name}: it is encrypted")
    intents = root.get("/OutputIntents", [])
    expect(any(one.S == "/GTS_PDFA1" and "/DestOutputProfile" in one for one in intents), f"{name}: it has no output intent")
    for key in ("/AA", "/OpenAction"):
        expect(key not in root or key == "/OpenAction" and root[key].get("/S") != "/JavaScript", f"{name}: it has {key}")
    names = root.get("/Names", {})
    for key in ("/JavaScript", "/EmbeddedFiles"):
        expect(key not in names, f"{name}: it has {key}")
    expect("/XFA" not in root.get("/AcroForm", {}), f"{name}: it has a form")
    expect("/ID" in document.trailer, f"{name}: it has no identifier")
    for item in document.objects:
        if isinstance(item, pikepdf.Stream):
            expect("/F" not in item, f"{name}: a stream lies outside the file")
            filters = item.get("/Filter", [])
            filters = list(filters) if isinstance(filters, pikepdf.Array) else [filters]
            expect("/LZWDecode" not in filters, f"{name}: a stream is compressed with LZW")
        if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Annot":
            expect(item.get("/Subtype") in ("/Link",), f"{name}: it has an annotation {item.get('/Subtype')}")


def validated(name, file):
    """What veraPDF says, where it is installed; it is in no registry from which a test could bring it."""
    verapdf = shutil.which("verapdf")
    for flavour in ("2b", "ua1") if verapdf else ():
        done = subprocess.run([verapdf, "--flavour", flavour, "--format", "text", file], capture_output=True, text=True)
        expect(done.stdout.startswith("PASS"), f"{name}: veraPDF {flavour}: {done.stdout} {done.stderr}")


def tagged(name, document, language):
    root = document.Root
    with document.open_metadata() as metadata:
        expect(str(metadata.get("pdfuaid:part")) == "1", f"{name}: XMP does not say PDF/UA-1")
    expect(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle") == True, f"{name}: a reader shows its file's name for its title")
    expect(root.get("/MarkInfo", {}).get("/Marked") == True, f"{name}: it is not tagged")
    expect(str(root.get("/Lang", "")).startswith(language), f"{name}: it does not say its language")
    figures = [one for one in document.objects if isinstance(one, pikepdf.Dictionary) and one.get("/S") == "/Figure"]
    expect(len(figures) > 50, f"{name}: it has only {len(figures)} figures")
    expect(all(str(one.get("/Alt", "")) for one in figures), f"{name}: a figure has no text alternative")


def fonts(name, file):
    rows = subprocess.run(["pdffonts", file], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    expect(bool(rows), f"{name}: it has no fonts")
    for row in rows:
        expect("NotoSansJP" in row, f"{name}: another font: {row}")
        embedded, subset, unicode = row.split()[-5:-2]
        expect((embedded, unicode) == ("yes", "yes"), f"{name}: not embedded or without characters: {row}")


# The workbook.


def workbook(folder, language, measurements):
    file = os.path.join(folder, f"{language}.xlsx")
    book = openpyxl.load_workbook(file, data_only=True)
    formulas = openpyxl.load_workbook(file)
    by_place = {(one["no"], one["indicator"], one["org_unit"]): one for one in measurements}
    headings = {
        "ja": ("No.", "指標コード", "組織ID", "分子", "分母", "値", "目標(以上)", "目標(以下)", "報告済み", "報告すべき", "件数 n"),
        "en": ("No.", "Indicator code", "Org unit id", "Numerator", "Denominator", "Value", "Target, at least", "Target, at most", "Covered", "Expected", "n"),
    }[language]
    cells, read = 0, set()
    for sheet in book.worksheets:
        row = next((row for row in range(1, 15) if sheet.cell(row, 2).value == "No."), None)
        if row is None:
            continue
        columns = {sheet.cell(row, at).value: at for at in range(2, sheet.max_column + 1)}
        if not set(headings) <= set(columns):
            continue
        expect(sheet.freeze_panes is not None, f"{sheet.title}: its panes are not frozen")
        expect(bool(sheet.auto_filter.ref), f"{sheet.title}: it has no filter")
        expect(bool(sheet.print_area), f"{sheet.title}: it has no print area")
        for at in range(row + 1, sheet.max_row + 1):
            cell = {heading: sheet.cell(at, columns[heading]).value for heading in headings}
            if cell["No."] is None:
                continue
            place = tuple(cell[heading] for heading in headings[:3])
            one = by_place.get(place)
            if one is None:
                found.append(f"{language} workbook {sheet.title} row {at}: nothing measured is {place}")
                continue
            read.add(place)
            target = one["target"] or {}
            wanted = [one["numerator"], one["denominator"], one["value"], target.get("at_least"), target.get("at_most"),
                      one["coverage"]["covered"], one["coverage"]["expected"], one["n"]]
            for heading, want in zip(headings[3:], wanted):
                cells += 1
                have = cell[heading]
                same = have is None if want is None else have is not None and abs(have - want) <= 1e-9 * max(1, abs(want))
                expect(same, f"{language} workbook {sheet.title} row {at} {heading}: {have}, measured {want}")
            written = formulas[sheet.title].cell(at, columns[headings[5]]).value
            if one["unit"] == "ratio" and one["value"] is not None and one["denominator"]:
                if abs(one["numerator"] / one["denominator"] - one["value"]) < 1e-9:
                    expect(str(written).startswith("="), f"{language} workbook {sheet.title} row {at}: the ratio is no formula")
    expect(cells > 10000, f"{language} workbook: only {cells} cells were compared")
    charts = sum(len(sheet._charts) for sheet in formulas.worksheets)
    return cells, charts


# The page.


class Page(html.parser.HTMLParser):
    VOID = {"meta", "br", "rect", "path", "circle", "line", "link", "img", "hr", "input"}

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.problems, self.headings = [], set(), [], []
        self.counts = {}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in attributes:
            if attributes["id"] in self.ids:
                self.problems.append(f"two elements are called {attributes['id']}")
            self.ids.add(attributes["id"])
        for key, value in attributes.items():
            if key in ("src", "href", "action") and not str(value).startswith("#"):
                self.problems.append(f"<{tag} {key}={value!r}> needs a network")
            if key.startswith("on"):
                self.problems.append(f"<{tag}> has a script")
        if tag in ("script", "iframe", "object"):
            self.problems.append(f"<{tag}> is in the page")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")


def page(folder, language):
    text = open(os.path.join(folder, f"{language}.html"), encoding="utf-8").read()
    reader = Page()
    reader.feed(text)
    for problem in dict.fromkeys(reader.problems):
        found.append(f"{language} page: {problem}")
    expect(not reader.open, f"{language} page: left open: {reader.open}")
    expect(f'<html lang="{language}">' in text, f"{language} page: it does not say its language")
    count = reader.counts.get
    expect(count("svg", 0) == count("desc", 0) and count("svg", 0) > 100, f"{language} page: a chart has no text alternative")
    expect(count("figure", 0) <= count("details", 0), f"{language} page: a chart has no table")
    steps = zip(reader.headings, reader.headings[1:])
    expect(reader.headings[0] == 1 and all(b <= a + 1 or (a, b) == (1, 3) for a, b in steps), f"{language} page: headings leave out a level")
    expect("#pagebreak() $x$ *a* &lt;b&gt;[1" in text, f"{language} page: a name was read as code")
    for link in re.findall(r'href="#([^"]+)"', text):
        expect(link in reader.ids, f"{language} page: #{link} leads nowhere")


# The loss and outage of serious incidents, which every edition says alike.


def impact(measurements, org_unit):
    """Count, loss and outage as measured; where something is known of none, nothing."""
    find = {one["indicator"]: one for one in measurements if one["no"] == 23 and one["org_unit"] == org_unit}
    count = find["serious_count"]["value"]
    parts = []
    for indicator, divisor in (("serious_loss_mean", 1), ("serious_outage_hours_mean", 3600)):
        one = find[indicator]
        known = one["n"] or 0
        parts.append((one["numerator"] / divisor if known else None, known, count - known))
    return count, parts


def serious(folder, language, statement, measurements):
    count, parts = impact(measurements, ROOT_UNIT)
    expect(count > 0 and all(known > 0 for _, known, _ in parts) and parts[0][2] > 0, "the sample group has no month that is worth this test")
    of_root = next(one for one in statement["serious_incidents"] if one["org_unit"] == ROOT_UNIT)
    for key, (value, known, unknown) in zip(("loss", "outage"), parts):
        have = of_root["outage_hours" if key == "outage" else key], of_root[f"{key}_known"], of_root[f"{key}_unknown"]
        expect(have == (value, known, unknown), f"statement.json: {key} {have}, measured {(value, known, unknown)}")
    loss, outage = f"{parts[0][0]:,.0f}", f"{parts[1][0]:,.1f}"
    words = {"ja": (f"{count}件", f"{loss}円", f"{outage}時間", f"ほか{parts[0][2]}件は不明"),
             "en": (f"{count}serious", f"¥{loss}", f"{outage}h", f"of{parts[0][2]}itisnot")}[language]
    front = squeezed(text_of(os.path.join(folder, f"{language}-board-first.pdf"), 1))
    html = squeezed(re.sub(r"<[^>]*>", " ", open(os.path.join(folder, f"{language}.html"), encoding="utf-8").read()))
    # On paper, columns stand side by side and a note breaks into lines: only what stands on one line is looked for.
    for word in words[1:3]:
        expect(word in front, f"{language} board PDF: the first page does not say {word}")
    for word in words[1:]:
        expect(word in html, f"{language} page: it does not say {word}")
    book = openpyxl.load_workbook(os.path.join(folder, f"{language}.xlsx"), data_only=True)
    sheet = book[{"ja": "重大インシデント", "en": "Serious incidents"}[language]]
    rows = [[cell.value for cell in row[1:10]] for row in sheet.iter_rows(min_row=1, max_col=10)]
    wanted = [count, 0, *parts[0], *parts[1]]
    expect(any(row[1:] == wanted for row in rows), f"{language} workbook: no row of serious incidents is {wanted}")


# The data.


def data(statement):
    schema = json.load(open(os.path.join(ROOT, "docs", "reference", "statement.schema.json"), encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    for error in list(jsonschema.Draft202012Validator(schema).iter_errors(statement))[:5]:
        found.append(f"statement.json {error.json_path}: {error.message}")
    broken = json.loads(json.dumps(statement))
    broken["measurements"][0]["value"] = "12"
    expect(not jsonschema.Draft202012Validator(schema).is_valid(broken), "the schema lets a text pass for a value")


def oscal(folder):
    """The assessment results against the schema that NIST published for OSCAL 1.1.3."""
    text = open(os.path.join(HERE, "oscal_assessment-results_schema.json"), encoding="utf-8").read()
    # Python's regular expressions have no Unicode categories: letters are word characters that are neither digit nor underscore.
    text = text.replace(r"\\p{L}", r"[^\\W\\d_]").replace(r"\\p{N}", r"\\d")
    validator = jsonschema.Draft7Validator(json.loads(text))
    results = read_json(folder, "oscal.json")
    for error in list(validator.iter_errors(results))[:5]:
        found.append(f"oscal.json {error.json_path}: {error.message[:200]}")
    broken = json.loads(json.dumps(results))
    broken["assessment-results"]["results"][0]["observations"][0]["uuid"] = "1"
    expect(not validator.is_valid(broken), "the OSCAL schema lets a number pass for an identifier")
    return len(results["assessment-results"]["results"][0]["observations"])


def main(folder):
    statement, measured = read_json(folder, "statement.json"), read_json(folder, "measured.json")
    data(statement)
    said = [f"OSCAL: {oscal(folder)} observations"]
    for language in ("ja", "en"):
        for edition in ("board", "full"):
            pages = pdf(folder, language, edition, measured)
            said.append(f"{language} {edition} PDF: {pages} pages")
        cells, charts = workbook(folder, language, measured)
        said.append(f"{language} workbook: {cells} cells as measured, {charts} charts")
        page(folder, language)
        serious(folder, language, statement, measured)
    print("\n".join(said))
    if found:
        print(f"\n{len(found)} things do not hold:\n  " + "\n  ".join(found[:60]))
        sys.exit(1)
    print("every edition of the statement reads back as it was measured")


main(sys.argv[1])
