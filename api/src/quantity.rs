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

/// The quantity as a number: `2`, `"2"`, `"1k"`, `"2e3"` and `"1Ki"` are whole.
///
/// # Errors
/// It is a fraction, negative, or no quantity.
pub fn whole(value: &Value) -> Result<u64, QuantityError> {
    let error = || QuantityError {
        found: value.to_string(),
    };
    match value {
        Value::Number(number) => number.as_u64().ok_or_else(error),
        Value::String(text) => parse(text).ok_or_else(error),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(error()),
    }
}

fn parse(text: &str) -> Option<u64> {
    let end = text
        .bytes()
        .position(|b| !b.is_ascii_digit() && b != b'+')
        .unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let number: u64 = digits.parse().ok()?;
    let factor = match suffix {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        exponent => {
            let exponent = exponent.strip_prefix(['e', 'E'])?;
            10_u64.checked_pow(exponent.parse().ok()?)?
        }
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities() {
        for (value, wanted) in [
            (json!(2), 2),
            (json!("2"), 2),
            (json!("1k"), 1_000),
            (json!("2e3"), 2_000),
            (json!("1Ki"), 1_024),
            (json!("0"), 0),
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
