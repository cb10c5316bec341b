//! The secretariat's calendar: each line of the minutes as a meeting with its attendees.

/// What the secretariat calls the chief information security officer and the deputy.
const OFFICER: &str = "ciso@fictional.example";
const DEPUTY: &str = "ciso-deputy@fictional.example";

/// Meetings begin at ten.
const BEGINS_MINUTES: u32 = 10 * 60;

/// An iCalendar file of the table of meetings.
///
/// *Source*: RFC 5545. The company stands first in LOCATION, body and occasion are CATEGORIES.
pub(super) fn text(table: &str) -> String {
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Fictional Holdings//Secretariat//JA".to_owned(),
    ];
    for row in table.lines().skip(1) {
        let values: Vec<&str> = row.split(',').collect();
        let [
            number,
            company,
            body,
            subject,
            occasion,
            held_on,
            minutes,
            attended,
        ]: [&str; 8] = values
            .try_into()
            .expect("a line of the table of meetings has eight columns");
        lines.push("BEGIN:VEVENT".to_owned());
        lines.push(format!("UID:{number}"));
        let date = held_on.replace('-', "");
        lines.push(format!("DTSTAMP:{date}T000000Z"));
        lines.push(format!(
            "DTSTART;TZID=Asia/Tokyo:{date}T{}",
            clock(BEGINS_MINUTES)
        ));
        if let Ok(minutes) = minutes.parse::<u32>() {
            let ends = clock(BEGINS_MINUTES + minutes);
            lines.push(format!("DTEND;TZID=Asia/Tokyo:{date}T{ends}"));
        }
        lines.push(format!("SUMMARY:{subject}"));
        lines.push(format!("LOCATION:{company} 会議室"));
        let categories: Vec<&str> = [body, occasion]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect();
        lines.push(format!("CATEGORIES:{}", categories.join(",")));
        lines.extend(
            attendees(attended)
                .into_iter()
                .map(|(answer, address)| format!("ATTENDEE;PARTSTAT={answer}:mailto:{address}")),
        );
        lines.push("END:VEVENT".to_owned());
    }
    lines.push("END:VCALENDAR".to_owned());
    lines.join("\r\n") + "\r\n"
}

/// Who answered the invitation, and how.
fn attendees(attended: &str) -> Vec<(&'static str, &'static str)> {
    match attended {
        "CISO" => vec![("ACCEPTED", OFFICER)],
        "代理者" => vec![("DECLINED", OFFICER), ("ACCEPTED", DEPUTY)],
        "欠席" => vec![("DECLINED", OFFICER)],
        _ => Vec::new(),
    }
}

fn clock(minutes: u32) -> String {
    format!("{:02}{:02}00", minutes / 60, minutes % 60)
}
