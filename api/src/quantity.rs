//! Quantities of resources, as Kubernetes writes them.
//!
//! Source: apimachinery `resource.Quantity`. Extended resources are whole numbers, so [`whole`] refuses fractions.

use std::borrow::Cow;

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
    let exact = match text(value).and_then(|text| parse(&text, 0)) {
        Some((number, true)) => number.try_into().ok(),
        _ => None,
    };
    exact.ok_or_else(|| QuantityError {
        found: shown(value),
    })
}

/// A quantity that is no number from nought to 2⁶³ - 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not a quantity that a node could have; write a number such as 500m, 1 or 64Gi")]
pub struct AmountError {
    /// The quantity as it is written.
    pub found: String,
}

/// The quantity in units, or in thousandths of them, rounded up as Kubernetes does (`Value` and `MilliValue`).
///
/// # Errors
/// It is negative, more than 2⁶³ - 1, or no quantity.
pub fn rounded_up(value: &Value, unit: Unit) -> Result<i64, AmountError> {
    let shift = match unit {
        Unit::One => 0,
        Unit::Thousandth => 3,
    };
    let number = text(value).and_then(|text| parse(&text, shift));
    let rounded = number.and_then(|(number, is_exact)| {
        let number = number.checked_add(u128::from(!is_exact))?;
        number.try_into().ok()
    });
    rounded.ok_or_else(|| AmountError {
        found: shown(value),
    })
}

/// In what a quantity is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As it is written: bytes, devices.
    One,
    /// A thousandth of it, as CPUs are counted.
    Thousandth,
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(text) => Some(text.into()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
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

/// A quantity times ten to the power of `shift`, without what is left over of a whole number, and whether nothing is.
/// A quantity is a decimal number times a power of ten or of two.
fn parse(text: &str, shift: i32) -> Option<(u128, bool)> {
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
    let exponent = exponent
        .checked_sub(i32::try_from(fraction.len()).ok()?)?
        .checked_add(shift)?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
    let value = digits.checked_mul(factor)?;
    if exponent >= 0 {
        Some((value.checked_mul(power)?, true))
    } else {
        Some((value / power, value % power == 0))
    }
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

    #[test]
    fn amounts_are_rounded_up() {
        for (value, ones, thousandths) in [
            (json!(2), 2, 2_000),
            (json!(1.5), 2, 1_500),
            (json!("100m"), 1, 100),
            (json!("0.1m"), 1, 1),
            (json!("0"), 0, 0),
            (json!("1Ki"), 1_024, 1_024_000),
            (json!("1.5Ki"), 1_536, 1_536_000),
            (json!("64Gi"), 64 << 30, (64 << 30) * 1_000),
        ] {
            assert_eq!(rounded_up(&value, Unit::One), Ok(ones), "{value}");
            assert_eq!(
                rounded_up(&value, Unit::Thousandth),
                Ok(thousandths),
                "{value}"
            );
        }
        for bad in [
            json!(-1),
            json!("-1"),
            json!("8Ei"),
            json!("1e-99"),
            json!(""),
            json!(true),
            json!("1 2"),
        ] {
            assert!(rounded_up(&bad, Unit::One).is_err(), "{bad}");
        }
        assert!(rounded_up(&json!("7Ei"), Unit::One).is_ok());
        assert!(rounded_up(&json!("7Ei"), Unit::Thousandth).is_err());
    }
}
