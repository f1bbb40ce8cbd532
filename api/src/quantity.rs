//! Whole quantities of extended resources, as Kubernetes writes them.
//!
//! Source: apimachinery `resource.Quantity`. Extended resources are whole numbers, so fractions are refused here.

use serde_json::Value;

/// A quantity that is no whole number of devices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not a whole quantity; write a number such as 1")]
pub struct QuantityError {
    /// The quantity as it is written.
    pub found: String,
}

/// The quantity as a number: `2`, `"2"`, `"1k"`, `"2e3"`, `"1Ki"` and `"1000m"` are whole.
///
/// # Errors
/// It is a fraction, negative, or no quantity.
pub fn whole(value: &Value) -> Result<u64, QuantityError> {
    let error = || QuantityError {
        found: shown(value),
    };
    match value {
        Value::Number(number) => parse(&number.to_string()).ok_or_else(error),
        Value::String(text) => parse(text).ok_or_else(error),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(error()),
    }
}

/// How much of what is no quantity is shown.
const SHOWN: usize = 60;

/// The value on one line, without the control characters that JSON leaves as they are.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut characters = text.chars();
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let mut shown: String = characters.by_ref().take(SHOWN).map(visible).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Exact: a quantity is a decimal number times a power of ten or of two, and whole when nothing is left over.
fn parse(text: &str) -> Option<u64> {
    let end = text
        .bytes()
        .position(|b| !b.is_ascii_digit() && b != b'.' && b != b'+')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{}{fraction}", whole.trim_start_matches('+'))
        .parse()
        .ok()?;
    let (factor, exponent): (u128, i32) = match suffix {
        "n" => (1, -9),
        "u" => (1, -6),
        "m" => (1, -3),
        "" => (1, 0),
        "k" => (1, 3),
        "M" => (1, 6),
        "G" => (1, 9),
        "T" => (1, 12),
        "P" => (1, 15),
        "E" => (1, 18),
        "Ki" => (1 << 10, 0),
        "Mi" => (1 << 20, 0),
        "Gi" => (1 << 30, 0),
        "Ti" => (1 << 40, 0),
        "Pi" => (1 << 50, 0),
        "Ei" => (1 << 60, 0),
        exponent => (1, exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
    let value = digits.checked_mul(factor)?;
    let value = if exponent >= 0 {
        value.checked_mul(power)?
    } else {
        (value % power == 0).then_some(value / power)?
    };
    value.try_into().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_quantity_is_shown_on_a_line() {
        let error = whole(&Value::from("\u{85}\u{9b}31m")).unwrap_err();
        assert_eq!(error.found, "\"  31m\"");
        let error = whole(&Value::from("x".repeat(100_000))).unwrap_err();
        assert_eq!(error.found.chars().count(), SHOWN + 1);
    }

    #[test]
    fn quantities() {
        for (value, wanted) in [
            (json!(2), 2),
            (json!("2"), 2),
            (json!("1k"), 1_000),
            (json!("2e3"), 2_000),
            (json!("1Ki"), 1_024),
            (json!("0"), 0),
            (json!("1000m"), 1),
            (json!("1.0"), 1),
            (json!("0.5Ki"), 512),
            (json!("2T"), 2_000_000_000_000),
        ] {
            assert_eq!(whole(&value), Ok(wanted), "{value}");
        }
        for bad in [
            json!("1.5"),
            json!("100m"),
            json!(-1),
            json!(""),
            json!("x"),
            json!(null),
            json!("99999999999999999999"),
            json!("9e99"),
        ] {
            assert!(whole(&bad).is_err(), "{bad}");
        }
    }
}
