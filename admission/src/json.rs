//! JSON with everything its author wrote: every member of an object, also one that is there twice.
//!
//! `serde_json::Value` keeps the last of two members of one name and forgets the first, as the plugins do. Here they are
//! faults, so both are kept.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep values are opened. The deepest one that a plugin reads is at 7, and every level reads its text once more.
const DEEPEST: usize = 32;

/// A value and its text.
#[derive(Clone, Debug)]
pub(crate) struct Json<'a> {
    /// As it stands, so that its address tells its place in the whole.
    pub(crate) text: &'a str,
    pub(crate) value: Value<'a>,
}

#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Flag(bool),
    /// A number is what [`Json::text`] says: a plugin written in Go takes `1500` for its MTU and refuses `1500.0`.
    Number,
    Text(String),
    List(Vec<Json<'a>>),
    Object(Vec<Member<'a>>),
    /// Not looked into.
    Closed,
}

#[derive(Clone, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) key: String,
    pub(crate) value: Json<'a>,
}

/// Where something stands in a text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl<'a> Json<'a> {
    /// Reads a text; `None` if it is no JSON.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str::<&RawValue>(text)
            .ok()
            .map(|raw| open(raw, 0))
    }

    /// The members; none where it is no object.
    #[cfg(test)]
    pub(crate) fn members(&self) -> &[Member<'a>] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// Where it begins in `whole`, the text it was parsed from.
    pub(crate) fn position(&self, whole: &str) -> Position {
        let offset = (self.text.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        let before = whole.get(..offset).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Position {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

fn open(raw: &RawValue, depth: usize) -> Json<'_> {
    let text = raw.get();
    let value = match text.as_bytes().first() {
        Some(b'{' | b'[') if depth == DEEPEST => Value::Closed,
        Some(b'{') => serde_json::from_str::<Members<'_>>(text).map_or(Value::Closed, |members| {
            let open = |(key, raw)| Member {
                key,
                value: open(raw, depth + 1),
            };
            Value::Object(members.0.into_iter().map(open).collect())
        }),
        Some(b'[') => {
            serde_json::from_str::<Vec<&RawValue>>(text).map_or(Value::Closed, |elements| {
                let open = |raw| open(raw, depth + 1);
                Value::List(elements.into_iter().map(open).collect())
            })
        }
        // One with half of a surrogate pair is no text here, though Go takes it.
        Some(b'"') => serde_json::from_str(text).map_or(Value::Closed, Value::Text),
        Some(b't') => Value::Flag(true),
        Some(b'f') => Value::Flag(false),
        Some(b'n') => Value::Null,
        _ => Value::Number,
    };
    Json { text, value }
}

/// All members of an object in the order of the text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_members_of_one_name_are_there_with_their_places() {
        let text = "{\n  \"a\": 1,\n  \"ä\": [{\"a\": 2}], \"a\": \"x\"}";
        let json = Json::parse(text).unwrap();
        let keys: Vec<&str> = json.members().iter().map(|m| m.key.as_str()).collect();
        assert_eq!(keys, ["a", "ä", "a"]);
        let places: Vec<(usize, usize)> = json
            .members()
            .iter()
            .map(|member| member.value.position(text))
            .map(|Position { line, column }| (line, column))
            .collect();
        assert_eq!(places, [(2, 8), (3, 8), (3, 25)]);
        assert!(matches!(&json.members()[2].value.value, Value::Text(text) if text == "x"));
        for bad in ["", "{", "{} x", "{\"a\":}"] {
            assert!(Json::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn deep_and_strange_values_stay_closed() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(Json::parse(&deep).is_some());
        let half = Json::parse(r#"["\ud800"]"#).unwrap();
        assert!(
            matches!(half.value, Value::List(elements) if matches!(elements[0].value, Value::Closed))
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(?s).{0,60}") {
            let _ = Json::parse(&text);
        }
    }
}
