//! Reads dates of Japanese eras.
//!
//! *Source*: 元号を改める政令; an era's year 1 is 元年, and its first and last days are those of the
//! change of emperor: 明治 1868-01-25 (by the calendar of 1873 on), 大正 1912-07-30, 昭和 1926-12-25,
//! 平成 1989-01-08, 令和 2019-05-01. A day outside its era is refused, since nobody knows which of the
//! two was wrong.

use jiff::civil::Date;

use super::time::month_and_day;

/// An era: its names, the year before its first, and its first and last day.
struct Era {
    names: [&'static str; 3],
    year_zero: i16,
    from: Date,
    until: Date,
}

const ERAS: [Era; 4] = [
    Era {
        names: ["令和", "R", "令"],
        year_zero: 2018,
        from: Date::constant(2019, 5, 1),
        until: Date::constant(9999, 12, 31),
    },
    Era {
        names: ["平成", "H", "平"],
        year_zero: 1988,
        from: Date::constant(1989, 1, 8),
        until: Date::constant(2019, 4, 30),
    },
    Era {
        names: ["昭和", "S", "昭"],
        year_zero: 1925,
        from: Date::constant(1926, 12, 25),
        until: Date::constant(1989, 1, 7),
    },
    Era {
        names: ["大正", "T", "大"],
        year_zero: 1911,
        from: Date::constant(1912, 7, 30),
        until: Date::constant(1926, 12, 24),
    },
];

/// Reads `令和8年4月1日`, `令和元年5月1日`, `R8.4.1`, `H31/4/30`.
pub(super) fn date(text: &str) -> Option<Date> {
    let (era, rest) = era(text)?;
    let (year, rest) = if let Some(rest) = rest.strip_prefix('元') {
        (1, rest)
    } else {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=2).contains(&digits) {
            return None;
        }
        let (year, rest) = rest.split_at(digits);
        (year.parse::<i16>().ok().filter(|year| *year > 0)?, rest)
    };
    let (month, day) = month_and_day(rest.trim_start())?;
    let date = Date::new(era.year_zero + year, month, day).ok()?;
    (era.from <= date && date <= era.until).then_some(date)
}

/// Tells whether a text begins with the name of an era and a number.
pub(super) fn names_era(text: &str) -> bool {
    era(text).is_some_and(|(_, rest)| rest.starts_with(|c: char| c == '元' || c.is_ascii_digit()))
}

fn era(text: &str) -> Option<(&'static Era, &str)> {
    ERAS.iter().find_map(|era| {
        let name = era.names.iter().find_map(|name| {
            let rest = text.strip_prefix(name);
            rest.or_else(|| text.strip_prefix(name.to_lowercase().as_str()))
        });
        name.map(|rest| (era, rest.trim_start()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_are_read_within_their_days() {
        for (text, expected) in [
            ("令和8年4月1日", "2026-04-01"),
            ("R8.4.1", "2026-04-01"),
            ("R08/04/01", "2026-04-01"),
            ("令和元年5月1日", "2019-05-01"),
            ("平成31年4月30日", "2019-04-30"),
            ("H31.4.1", "2019-04-01"),
            ("昭和64年1月7日", "1989-01-07"),
            ("S63-12-31", "1988-12-31"),
            ("大正15年12月24日", "1926-12-24"),
        ] {
            let found = date(text).map(|date| date.to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
        for wrong in [
            "令和元年4月1日",
            "平成31年5月1日",
            "平成32年4月1日",
            "令和0年4月1日",
            "昭和64年1月8日",
            "R8.4",
            "R8.13.1",
            "R100.1.1",
            "令和8年4月",
            "X8.4.1",
        ] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
