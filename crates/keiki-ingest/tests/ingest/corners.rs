//! Sheets with a cell in their farthest corner: what lies between costs no memory, or the workbook is refused.

use std::io::{Cursor, Write as _};

use keiki_ingest::limits::Quantity;
use keiki_ingest::{IngestError, Limits};
use zip::write::SimpleFileOptions;

use crate::fixture::read_text;

/// A workbook of the form `.xls` whose cells are A1, B1 and IV65536, made by xlwt.
const FAR: &[u8] = include_bytes!("corners/far.xls");

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        let begun = archive.start_file(*name, SimpleFileOptions::default());
        begun.expect("the archive takes files");
        let written = archive.write_all(text.as_bytes());
        written.expect("memory can be written");
    }
    archive.finish().expect("the archive is whole").into_inner()
}

fn xlsx(rows: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    archive(&[
        (
            "[Content_Types].xml",
            "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
        ),
        (
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{document}/officeDocument\" \
                 Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{document}\"><sheets><sheet name=\"s\" sheetId=\"1\" r:id=\"r1\"/>\
                 </sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" Type=\"{document}/worksheet\" \
                 Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ])
}

fn cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

#[test]
fn a_cell_in_the_last_row_of_an_xlsx_sheet_is_a_row_and_costs_none_between() {
    let head = [cell("A1", "thing_id"), cell("B1", "org_unit")].concat();
    let (near, far) = (
        [cell("A2", "T1"), cell("B2", "HD")].concat(),
        [cell("A1048576", "T2"), cell("B1048576", "HD")].concat(),
    );
    let rows =
        format!("<row r=\"1\">{head}</row><row r=\"2\">{near}</row><row r=\"1048576\">{far}</row>");
    let evidence = read_text("things", "things.xlsx", xlsx(&rows), Limits::default());
    assert_eq!(evidence.expect("it can be read").places, [2, 1_048_576]);
    // A cell far to the right has no column: it is nothing that a row says.
    let rows = format!(
        "<row r=\"1\">{head}</row><row r=\"2\">{near}</row><row r=\"1048576\">{}</row>",
        cell("XFD1048576", "x")
    );
    let evidence = read_text("things", "things.xlsx", xlsx(&rows), Limits::default());
    let evidence = evidence.expect("it can be read");
    assert_eq!(evidence.places, [2], "{:?}", evidence.rejected);
    // A header that far to the right is of more columns than there may be.
    let rows = format!("<row r=\"1\">{head}{}</row>", cell("XFD1", "x"));
    let error = read_text("things", "things.xlsx", xlsx(&rows), Limits::default());
    match error {
        Ok(evidence) => assert_eq!(evidence.rows.num_rows(), 0),
        Err(error) => assert!(matches!(error, IngestError::TooLarge { .. }), "{error}"),
    }
}

fn is_refused(file: &str, bytes: &[u8]) {
    let error = read_text("things", file, bytes, Limits::default());
    let error = error.expect_err("all between would be held in memory");
    let is_limit = matches!(
        error,
        IngestError::TooLarge {
            what: Quantity::HeldCells,
            ..
        }
    );
    assert!(is_limit && !error.hint().en.is_empty(), "{error}");
}

#[test]
fn a_cell_in_the_last_corner_of_an_xls_sheet_is_refused_before_it_is_held() {
    is_refused("things.xls", FAR);
}

#[test]
fn an_xls_sheet_that_says_it_is_larger_than_it_is_is_refused_too() {
    // The record that says so: rows in four bytes from its fifth on.
    let at = FAR
        .windows(4)
        .position(|four| four == [0x00, 0x02, 0x0E, 0x00]);
    let at = at.expect("a sheet says how large it is") + 4;
    let mut lying = FAR.to_vec();
    lying[at + 4..at + 8].copy_from_slice(&u32::MAX.to_le_bytes());
    is_refused("things.xls", &lying);
}

#[test]
fn an_xls_workbook_whose_sectors_run_in_a_circle_is_damaged_and_not_followed() {
    let number = |at: usize| {
        let four = FAR[at..at + 4].try_into().expect("four bytes");
        u32::from_le_bytes(four) as usize
    };
    let (table, directory) = (number(76), number(48));
    let mut circle = FAR.to_vec();
    let at = (table + 1) * 512 + directory * 4;
    let name = u32::try_from(directory).expect("it is small");
    circle[at..at + 4].copy_from_slice(&name.to_le_bytes());
    let error = read_text("things", "things.xls", circle, Limits::default());
    let error = error.expect_err("it would be read for ever");
    let message = error.message();
    assert!(
        message.en.contains("damaged") && message.ja.contains("壊れて"),
        "{error}"
    );
    assert!(error.hint().en.contains(".xlsx"), "{error}");
}

#[test]
fn a_cell_in_the_last_corner_of_an_ods_sheet_is_refused_before_it_is_held() {
    let filled =
        "<table:table-cell office:value-type=\"string\"><text:p>x</text:p></table:table-cell>";
    let names = "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
                 xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
                 xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"";
    let content = format!(
        "<office:document-content {names}><office:body><office:spreadsheet><table:table table:name=\"s\">\
         <table:table-row>{filled}</table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048574\"><table:table-cell/></table:table-row>\
         <table:table-row><table:table-cell table:number-columns-repeated=\"16383\"/>{filled}</table:table-row>\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let bytes = archive(&[
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", &content),
    ]);
    is_refused("things.ods", &bytes);
}
