//! The kinds of JSON values, in the words of error messages.

use serde_json::{Value, value::RawValue};

/// What a value is.
#[must_use]
pub const fn of_value(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// What a value is that has not been opened: its first character tells.
#[must_use]
pub fn of_raw(raw: &RawValue) -> &'static str {
    match raw.get().trim_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') | None => "null",
        Some(_) => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_say_the_same() {
        for text in ["null", "true", "false", "-5", "1.5", "\"a\"", "[]", " {} "] {
            let value: Value = serde_json::from_str(text).unwrap();
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert_eq!(of_value(&value), of_raw(raw), "{text}");
        }
    }
}
