//! The written forms of the two binary values of Active Directory that are keys.

/// The value of an attribute as text; `None` where it has no written form.
pub(super) fn text(name: &str, bytes: &[u8]) -> Option<String> {
    match name.to_ascii_lowercase().as_str() {
        "objectguid" => guid(bytes),
        "objectsid" => sid(bytes),
        _ => None,
    }
}

/// Tells whether an attribute has one of these forms.
pub(super) fn is_binary(name: &str) -> bool {
    matches!(
        name.to_ascii_lowercase().as_str(),
        "objectguid" | "objectsid"
    )
}

/// *Source*: [MS-DTYP] 2.3.4.2: the first three fields are little-endian.
fn guid(bytes: &[u8]) -> Option<String> {
    let b: &[u8; 16] = bytes.try_into().ok()?;
    let hex =
        |order: &[usize]| -> String { order.iter().map(|at| format!("{:02x}", b[*at])).collect() };
    Some(format!(
        "{}-{}-{}-{}-{}",
        hex(&[3, 2, 1, 0]),
        hex(&[5, 4]),
        hex(&[7, 6]),
        hex(&[8, 9]),
        hex(&[10, 11, 12, 13, 14, 15])
    ))
}

/// *Source*: [MS-DTYP] 2.4.2: revision, authority (big-endian), sub-authorities (little-endian).
fn sid(bytes: &[u8]) -> Option<String> {
    let (head, rest) = bytes.split_at_checked(8)?;
    if rest.len() != usize::from(head[1]) * 4 {
        return None;
    }
    let authority = head[2..8]
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let parts = rest.chunks_exact(4).map(|part| {
        let part: [u8; 4] = part.try_into().unwrap_or_default();
        format!("-{}", u32::from_le_bytes(part))
    });
    Some(format!(
        "S-{}-{authority}{}",
        head[0],
        parts.collect::<String>()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_active_directory_have_their_usual_form() {
        let guid = [
            0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde, 1, 2, 3, 4, 5, 6, 7, 8,
        ];
        assert_eq!(
            text("objectGUID", &guid).as_deref(),
            Some("12345678-9abc-def0-0102-030405060708")
        );
        let sid = [
            1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0,
        ];
        assert_eq!(
            text("objectSid", &sid).as_deref(),
            Some("S-1-5-21-1-2-3-512")
        );
        assert_eq!(text("objectSid", &sid[..20]), None);
        assert_eq!(text("jpegPhoto", &guid), None);
    }
}
