"""Counts the records of plain forms of evidence with Python's own parsers: tables, workbooks, JSON, XML, Parquet, calendars."""

import calendar
import csv
import datetime
import glob
import gzip
import io
import json
import os
import re
import xml.etree.ElementTree as ElementTree
import zipfile


def files(folder, pattern="*"):
    """The bytes of each file of evidence by its name, those within archives too."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, pattern))):
        name = os.path.basename(path)
        if name in ("source.toml", "outcome.snap"):
            continue
        with open(path, "rb") as file:
            data = file.read()
        if name.endswith(".gz"):
            found[name[:-3]] = gzip.decompress(data)
        elif name.endswith(".zip"):
            archive = zipfile.ZipFile(io.BytesIO(data))
            found.update({member: archive.read(member) for member in archive.namelist() if not member.endswith("/")})
        else:
            found[name] = data
    return found


def table(encoding="utf-8-sig", delimiter=",", quote='"', above=0):
    """Rows of CSV below a header, which stands below some lines."""

    def count(folder):
        rows = 0
        for data in files(folder).values():
            lines = data.decode(encoding).splitlines(keepends=True)[above:]
            found = [row for row in csv.reader(lines, delimiter=delimiter, quotechar=quote) if any(row)]
            rows += len(found) - 1
        return rows

    return count


MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def cells(archive, wanted):
    """The filled cells of a sheet of an .xlsx workbook, by row and letters of the column."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target") for relation in relations}
    for sheet in book.iter(MAIN + "sheet"):
        if sheet.get("state", "visible") == "visible" and re.fullmatch(wanted, sheet.get("name")):
            place = targets[sheet.get(RELATION)].lstrip("/")
            place = place if place.startswith("xl/") else "xl/" + place
            found = {}
            for cell in ElementTree.fromstring(archive.read(place)).iter(MAIN + "c"):
                if any("".join(part.itertext()) for part in cell):
                    letters, number = re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r")).groups()
                    found.setdefault(int(number), set()).add(letters)
            return found
    raise AssertionError(f"no sheet {wanted}")


def workbook(sheet, header, columns, last=1 << 20):
    """Rows of a sheet below its header that hold anything in some columns."""

    def count(folder):
        (data,) = files(folder, "*.xlsx").values()
        rows = cells(zipfile.ZipFile(io.BytesIO(data)), sheet)
        return sum(header < number <= last and bool(filled & set(columns)) for number, filled in rows.items())

    return count


def open_document(folder):
    (data,) = files(folder, "*.ods").values()
    content = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(data)).read("content.xml"))
    name = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}table-row"
    filled = [row for row in content.iter(name) if len([cell for cell in row if "".join(cell.itertext())]) > 1]
    return len(filled) - 1


def values_of_json(folder):
    """Every document of JSON, a file or a line each; what is none is left out."""
    for name, data in files(folder).items():
        text = data.decode()
        if name.endswith(".ndjson"):
            for line in text.splitlines():
                try:
                    yield json.loads(line)
                except ValueError:
                    continue
            continue
        reader, at = json.JSONDecoder(), 0
        while text[at:].strip():
            at += len(text[at:]) - len(text[at:].lstrip())
            value, at = reader.raw_decode(text, at)
            yield value


def objects(*path):
    """Objects at a path, each step of which unfolds a list."""

    def reach(value, path):
        if isinstance(value, list):
            return sum(reach(element, path) for element in value)
        if not isinstance(value, dict):
            return 0
        return reach(value[path[0]], path[1:]) if path and path[0] in value else int(not path)

    return lambda folder: sum(reach(value, path) for value in values_of_json(folder))


def elements(path):
    """Elements at a path. Japanese encodings are decoded here: Python's parser does not know them."""

    def count(folder):
        found = 0
        for data in files(folder).values():
            if re.match(rb"<\?xml[^>]*encoding=.Shift_JIS", data):
                data = re.sub(r"<\?xml.*?\?>", "", data.decode("cp932"))
            found += len(ElementTree.fromstring(data).findall(path))
        return found

    return count


def number(data, at):
    """An unsigned number in base 128, lowest first."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def skip(data, at, kind):
    """What stands behind a value of the compact form of Thrift."""
    if kind in (1, 2):
        return at
    if kind == 3:
        return at + 1
    if kind in (4, 5, 6):
        return number(data, at)[1]
    if kind == 7:
        return at + 8
    if kind == 8:
        length, at = number(data, at)
        return at + length
    if kind in (9, 10):
        size, of = data[at] >> 4, data[at] & 15
        at += 1
        if size == 15:
            size, at = number(data, at)
        for _ in range(size):
            at = at + 1 if of in (1, 2) else skip(data, at, of)
        return at
    if kind == 12:
        return struct(data, at, None)[1]
    raise AssertionError(f"type {kind} of Thrift")


def struct(data, at, wanted):
    """The number in a field of a structure, and what stands behind it."""
    field, found = 0, None
    while data[at]:
        delta, kind = data[at] >> 4, data[at] & 15
        at += 1
        if delta:
            field += delta
        else:
            zigzag, at = number(data, at)
            field = (zigzag >> 1) ^ -(zigzag & 1)
        if field == wanted:
            zigzag, _ = number(data, at)
            found = (zigzag >> 1) ^ -(zigzag & 1)
        at = skip(data, at, kind)
    return found, at + 1


def parquet(folder):
    """The number of rows that the footers state: the third field of FileMetaData."""
    found = 0
    for data in files(folder).values():
        length = int.from_bytes(data[-8:-4], "little")
        found += struct(data[-8 - length : -8], 0, 3)[0]
    return found


def days_of(event):
    """The days on which an event begins, by the few rules that the fixtures have."""
    begin = re.search(r"\d{8}", event["DTSTART"]).group()
    day = datetime.date(int(begin[:4]), int(begin[4:6]), int(begin[6:]))
    days = {day}
    rule = dict(part.split("=") for part in event.get("RRULE", "").split(";") if part)
    if rule.get("FREQ") == "WEEKLY":
        days = {day + datetime.timedelta(weeks=week) for week in range(int(rule["COUNT"]))}
    elif rule.get("FREQ") == "MONTHLY":
        (nth, name) = rule["BYDAY"][:-2], rule["BYDAY"][-2:]
        weekday = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].index(name)
        until = datetime.datetime.strptime(rule["UNTIL"][:8], "%Y%m%d").date()
        days = set()
        year, month = day.year, day.month
        while datetime.date(year, month, 1) <= until:
            weeks = [week[weekday] for week in calendar.monthcalendar(year, month) if week[weekday]]
            days.add(datetime.date(year, month, weeks[int(nth) - 1]))
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    stated = lambda name: {datetime.datetime.strptime(text, "%Y%m%d").date() for text in re.findall(r"\d{8}", event.get(name, ""))}
    return (days | stated("RDATE")) - stated("EXDATE")


def events(folder):
    """Happenings of a calendar: a moved one stands in the place of its own."""
    (data,) = files(folder, "*.ics").values()
    found, inner = [], None
    for line in re.sub(r"\r?\n ", "", data.decode()).splitlines():
        name, _, value = line.partition(":")
        name = name.partition(";")[0]
        if line == "BEGIN:VEVENT":
            found.append({})
        elif name == "BEGIN":
            inner = value
        elif name == "END":
            inner = None
        elif inner is None and found and name not in found[-1]:
            found[-1][name] = value
    happenings = set()
    for event in found:
        happenings.update((event["UID"], day) for day in days_of(event) if "RECURRENCE-ID" not in event)
    for event in found:
        if "RECURRENCE-ID" in event:
            text = re.search(r"\d{8}", event["RECURRENCE-ID"]).group()
            moved = (event["UID"], datetime.datetime.strptime(text, "%Y%m%d").date())
            assert moved in happenings
    return len(happenings)


COUNTS = {
    "csv/valid/plain": table(),
    "csv/valid/gzip": table(),
    "csv/valid/zip_of_several_files": table(),
    "csv/valid/utf16_tabs": table("utf-16", "\t"),
    "csv/valid/euc_jp": table("euc-jp"),
    "csv/valid/cp932_with_titles_eras_and_full_width": table("cp932", above=3),
    "csv/valid/tabs_quotes_and_line_breaks": table(delimiter="\t"),
    "csv/valid/pipes_and_single_quotes": table(delimiter="|", quote="'"),
    "excel/valid/table_under_titles": workbook("台帳 2026", 4, "ABCDEFGH"),
    "excel/valid/merged_header": workbook("S1", 3, "ABCD"),
    "excel/valid/table_by_range": workbook("S1", 2, "GH", last=3),
    "collection/valid/returned": workbook("Headcounts", 7, "DEFGHI"),
    "ods/valid/table_under_a_title": open_document,
    "json/valid/gzip": objects(),
    "json/valid/in_an_archive": objects(),
    "json/valid/one_object_per_line": objects(),
    "json/valid/one_object_per_file": objects(),
    "json/valid/array_of_nested_objects": objects(),
    "json/valid/records_below_a_path": objects("data", "items"),
    "json/valid/lists_of_lists_are_unfolded": objects("list", "groups", "things"),
    "json/valid/each_line_is_unfolded": objects("list", "groups", "things"),
    "xml/valid/what_stands_in_and_around_a_record": elements("shelf/thing"),
    "xml/valid/in_an_archive": elements("thing"),
    "xml/valid/shift_jis_as_declared": elements("thing"),
    "xml/valid/latin_letters_as_declared": elements("thing"),
    "xml/valid/utf16_as_declared": elements("thing"),
    "parquet/valid/typed_columns": parquet,
    "parquet/valid/gzip": parquet,
    "parquet/valid/lists_are_texts": parquet,
    "parquet/valid/in_an_archive": parquet,
    "icalendar/valid/exercises_ahead": events,
    "kev/valid/catalogue_in_json": objects("vulnerabilities"),
    "kev/valid/due_before_listed": table(),
    "veris/valid/community_reports": objects(),
    "veris/valid/nothing_stated": objects(),
}
