//! JSON objects of which only the top level is opened, so that every value stays the text its author wrote.

use std::collections::BTreeMap;

use serde_json::{Value, value::RawValue};

use super::ConfError;
use crate::kind;

/// The members of a JSON object, each value as its own text.
pub type Fields = BTreeMap<String, Box<RawValue>>;

pub(super) fn parse(text: &str) -> Result<Fields, ConfError> {
    let raw: &RawValue =
        serde_json::from_str(text).map_err(|error| ConfError::NotJson(error.to_string()))?;
    object(raw, "/")
}

pub(super) fn object(raw: &RawValue, place: &str) -> Result<Fields, ConfError> {
    if kind::of_raw(raw) != "an object" {
        return Err(wrong_kind(raw, place, "an object"));
    }
    let mut fields =
        serde_json::from_str(raw.get()).map_err(|error| ConfError::NotJson(error.to_string()))?;
    spell(&mut fields);
    Ok(fields)
}

/// Members that are looked for, as the specification spells them.
const SPELLED: [&str; 9] = [
    "capabilities",
    "cniVersion",
    "cniVersions",
    "disableCheck",
    "disableGC",
    "loadOnlyInlinedPlugins",
    "name",
    "plugins",
    "type",
];

/// Go's decoder takes members in any case, so configurations in the wild have them in any. They get the spelling of the
/// specification, unless the member is there in that one too.
fn spell(fields: &mut Fields) {
    for known in SPELLED {
        if fields.contains_key(known) {
            continue;
        }
        let written = fields
            .keys()
            .find(|key| key.eq_ignore_ascii_case(known))
            .cloned();
        if let Some(value) = written.and_then(|written| fields.remove(&written)) {
            fields.insert(known.to_owned(), value);
        }
    }
}

pub(super) fn list<'a>(
    raw: &'a RawValue,
    place: &str,
    wanted: &'static str,
) -> Result<Vec<&'a RawValue>, ConfError> {
    serde_json::from_str(raw.get()).map_err(|_| wrong_kind(raw, place, wanted))
}

pub(super) fn text_at(
    fields: &Fields,
    key: &str,
    place: &str,
) -> Result<Option<String>, ConfError> {
    set(fields, key).map(|raw| text(raw, place)).transpose()
}

pub(super) fn text(raw: &RawValue, place: &str) -> Result<String, ConfError> {
    serde_json::from_str(raw.get()).map_err(|_| wrong_kind(raw, place, "a text"))
}

pub(super) fn wrong_kind(raw: &RawValue, place: &str, wanted: &'static str) -> ConfError {
    ConfError::Kind {
        place: place.to_owned(),
        found: kind::of_raw(raw),
        wanted,
    }
}

/// The member, unless it is `null`, which Go's decoder takes for a member that is not there.
pub(super) fn set<'a>(fields: &'a Fields, key: &str) -> Option<&'a RawValue> {
    fields
        .get(key)
        .map(AsRef::as_ref)
        .filter(|raw: &&RawValue| raw.get() != "null")
}

pub(super) fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a JSON value prints")
}

pub(super) fn print(fields: &Fields) -> String {
    serde_json::to_string(fields).expect("an object of JSON texts prints")
}
