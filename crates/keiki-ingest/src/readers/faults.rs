//! Why a record cannot be read, in words that readers share.

use keiki_model::text::Text;

pub(crate) fn too_long(limit_bytes: usize) -> Text {
    Text::new(
        format!("{limit_bytes}バイトを超えています"),
        format!("longer than {limit_bytes} bytes"),
    )
}

pub(crate) fn too_deep(limit: usize) -> Text {
    Text::new(
        format!("入れ子が{limit}段を超えています"),
        format!("nested more than {limit} levels deep"),
    )
}

pub(crate) fn field_too_long(field: &str, limit_bytes: usize) -> Text {
    Text::new(
        format!("`{field}` が{limit_bytes}バイトを超えています"),
        format!("`{field}` is longer than {limit_bytes} bytes"),
    )
}

pub(crate) fn field_with_nul(field: &str) -> Text {
    Text::new(
        format!("`{field}` にNUL文字があります"),
        format!("`{field}` holds a NUL character"),
    )
}

pub(crate) fn not_utf8(byte: u8) -> Text {
    Text::new(
        format!("UTF-8ではないバイトがあります(0x{byte:02X})"),
        format!("byte 0x{byte:02X} is not UTF-8"),
    )
}

/// A column of a text file that is not of its encoding.
pub(crate) fn foreign_column(number: usize, byte: u8, encoding: &str) -> Text {
    match encoding {
        "UTF-8" => Text::new(
            format!("{number}列目にUTF-8ではないバイトがあります(0x{byte:02X})"),
            format!("byte 0x{byte:02X} in field {number} is not UTF-8"),
        ),
        other => Text::new(
            format!("{number}列目に{other}として読めない文字があります"),
            format!("field {number} holds what is not {other}"),
        ),
    }
}
