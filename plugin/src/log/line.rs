//! One line: one JSON object, one line feed.

use std::{
    fmt::Display,
    time::{Duration, SystemTime},
};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;

use super::{Severity, context::Entries};

/// The value of a field.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Field<'a> {
    /// A text.
    Text(&'a str),
    /// What prints itself as a text, such as an error.
    Shown(&'a dyn Display),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// JSON as it is.
    Json(&'a RawValue),
}

impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Shown(shown) => shown.fmt(f),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Json(json) => f.write_str(json.get()),
        }
    }
}

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Shown(shown) => serializer.collect_str(shown),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Json(json) => json.serialize(serializer),
        }
    }
}

/// A line before it is printed.
pub(super) struct Line<'a> {
    pub(super) time: SystemTime,
    pub(super) severity: Severity,
    pub(super) message: &'a str,
    pub(super) context: Entries<'a>,
    pub(super) fields: &'a [(&'static str, Field<'a>)],
}

/// Most lines fit; one with a result grows.
const USUAL: usize = 512;

impl Line<'_> {
    pub(super) fn print(&self) -> Vec<u8> {
        let mut line = Vec::with_capacity(USUAL);
        serde_json::to_writer(&mut line, self)
            .expect("every key is a text, and to memory can always be written");
        // JSON as it is may have been written on several lines. Between texts a blank does as well, and within a text
        // there is no bare line feed.
        for byte in &mut line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        line
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &Field::Shown(&rfc3339(self.time)))?;
        map.serialize_entry("level", self.severity.as_str())?;
        map.serialize_entry("message", self.message)?;
        for (key, value) in self.context {
            // A line that is about another interface says so once.
            if let Some(value) = value
                && !self.fields.iter().any(|(field, _)| *field == key)
            {
                map.serialize_entry(key, value)?;
            }
        }
        for (key, value) in self.fields {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// The end of the year 9999, after which RFC 3339 has no dates.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// A time in UTC with milliseconds. A clock that is out of its mind is shown as near as there is a date for.
pub(super) fn rfc3339(time: SystemTime) -> humantime::Rfc3339Timestamp {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since.min(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Entries<'static> = [
        ("command", Some("ADD")),
        ("containerId", Some("c1")),
        ("interface", Some("eth0")),
        ("namespace", Some("shop")),
        ("pod", Some("web-0")),
        ("uid", None),
        ("traceId", Some("0af7651916cd43dd8448eb211c80319c")),
    ];

    fn print(severity: Severity, message: &str, fields: &[(&'static str, Field<'_>)]) -> String {
        let line = Line {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_782_893_730_042),
            severity,
            message,
            context: CONTEXT,
            fields,
        };
        String::from_utf8(line.print()).unwrap()
    }

    #[test]
    fn lines() {
        let result: Box<RawValue> =
            serde_json::from_str("{\n  \"ips\": [\r\n],\t\"x\": \"a\\nb\" }").unwrap();
        let lines = [
            print(Severity::Error, "says \"no\"\nand no", &[]),
            print(
                Severity::Verbose,
                "attachment added",
                &[
                    ("network", Field::Text("shop/storage")),
                    ("delegate", Field::Text("störage")),
                    ("interface", Field::Text("net1")),
                    ("result", Field::Json(&result)),
                ],
            ),
            print(
                Severity::Debug,
                "decided",
                &[
                    ("error", Field::Shown(&std::io::Error::other("\u{1}"))),
                    ("count", Field::Number(3)),
                    ("asked", Field::Flag(true)),
                ],
            ),
        ]
        .concat();
        insta::assert_snapshot!(lines);
    }

    #[test]
    fn dates_at_the_ends_of_time() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339(before).to_string(), "1970-01-01T00:00:00.000Z");
        let after = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(after).to_string(), "9999-12-31T23:59:59.000Z");
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_one_json_object(message in ".*", text in ".*") {
            let line = print(Severity::Verbose, &message, &[("network", Field::Text(&text))]);
            proptest::prop_assert_eq!(line.matches(['\n', '\r']).count(), 1);
            let json: serde_json::Value = serde_json::from_str(&line).unwrap();
            proptest::prop_assert_eq!(json["message"].as_str(), Some(message.as_str()));
            proptest::prop_assert_eq!(json["network"].as_str(), Some(text.as_str()));
        }
    }
}
