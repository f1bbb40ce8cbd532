//! JSON objects as Go's decoder reads them into its structures.

use serde_json::{Map, Value};
use spec::kind;

/// The member `key`, in any case where it is not there as it is written; `null` is as if it were not there.
pub(super) fn member<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let in_any_case = || {
        object
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(key))
            .map(|(_, value)| value)
    };
    object
        .get(key)
        .or_else(in_any_case)
        .filter(|value| !value.is_null())
}

/// The text at `key`; empty is as if it were not there, as Go knows no difference.
///
/// # Errors
/// Another kind of value, in words.
pub(super) fn text<'a>(
    object: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a str>, String> {
    match member(object, key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(other) => Err(wrong(key, other, "a text")),
    }
}

/// What is wrong with a member, in words.
pub(super) fn wrong(key: &str, found: &Value, wanted: &str) -> String {
    format!(
        "it has {} at {key:?} and must have {wanted}",
        kind::of_value(found)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members() {
        let value: Value =
            serde_json::from_str(r#"{"IFName":"a","ifname":"b","Bytes":null,"n":5,"e":""}"#)
                .unwrap();
        let object = value.as_object().unwrap();
        assert_eq!(text(object, "ifname"), Ok(Some("b")));
        assert_eq!(text(object, "IFNAME"), Ok(Some("a")));
        assert_eq!(text(object, "bytes"), Ok(None));
        assert_eq!(text(object, "E"), Ok(None));
        assert_eq!(text(object, "x"), Ok(None));
        assert!(text(object, "n").unwrap_err().contains("a number at \"n\""));
    }
}
