//! How days and instants are written in stored events: as people and other programs read them.

/// An instant, UTC microseconds, as RFC 3339.
pub mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes it.
    ///
    /// # Errors
    /// As the serializer says, or the instant is out of range.
    pub fn serialize<S: Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        let instant = Timestamp::from_microsecond(*at).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&instant)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is no instant.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant: Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(instant.as_microsecond())
    }
}

/// A day that may be absent, as `2026-09-30`.
pub mod optional_day {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::calendar::{Day, date_of, parse_day};

    /// Writes it.
    ///
    /// # Errors
    /// As the serializer says.
    pub fn serialize<S: Serializer>(day: &Option<Day>, serializer: S) -> Result<S::Ok, S::Error> {
        match day {
            Some(day) => serializer.collect_str(&date_of(*day)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is no day.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Day>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| {
            parse_day(&text).ok_or_else(|| D::Error::custom(format!("not a day: {text}")))
        };
        text.map(read).transpose()
    }
}
