//! Quantities, as Kubernetes writes them, exactly.
//!
//! Source: apimachinery `resource.Quantity`. None is negative here: the API server lets no pod ask for less than nothing.

use serde_json::Value;

/// A text or number that is not the quantity that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} is not {wanted}")]
pub struct QuantityError {
    /// The quantity as it is written.
    pub found: String,
    /// What is wanted, and what may be written.
    pub wanted: &'static str,
}

/// The quantity as a whole number, as extended resources are: `2`, `"2"`, `"1k"`, `"2e3"`, `"1Ki"` and `"1000m"`.
///
/// # Errors
/// It is a fraction, negative, more than 64 bits, or no quantity.
pub fn whole(value: &Value) -> Result<u64, QuantityError> {
    read(
        value,
        "a whole quantity; write a number such as 1",
        Exact::whole,
    )
}

/// The quantity in whole units, what is left over counted as one more (`Quantity.Value`): bytes of memory.
///
/// # Errors
/// It is negative, more than 63 bits, or no quantity.
pub fn ceil(value: &Value) -> Result<i64, QuantityError> {
    read(
        value,
        "a quantity; write a number such as 64Mi",
        |quantity| quantity.rounded_up(0),
    )
}

/// The quantity in thousandths, what is left over counted as one more (`Quantity.MilliValue`): CPU time.
///
/// # Errors
/// It is negative, more than 63 bits, or no quantity.
pub fn milli(value: &Value) -> Result<i64, QuantityError> {
    read(
        value,
        "a quantity; write a number such as 500m",
        |quantity| quantity.rounded_up(3),
    )
}

fn read<T: TryFrom<u128>>(
    value: &Value,
    wanted: &'static str,
    as_number: impl FnOnce(Exact) -> Option<u128>,
) -> Result<T, QuantityError> {
    let quantity = match value {
        Value::Number(number) => Exact::parse(&number.to_string()),
        Value::String(text) => Exact::parse(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    quantity
        .and_then(as_number)
        .and_then(|number| number.try_into().ok())
        .ok_or_else(|| QuantityError {
            found: shown(value),
            wanted,
        })
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

/// A decimal number times a power of ten: `digits * 10^exponent`, nothing lost.
#[derive(Clone, Copy)]
struct Exact {
    digits: u128,
    exponent: i32,
}

impl Exact {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text
            .bytes()
            .position(|b| !b.is_ascii_digit() && b != b'.')
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
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
        Some(Self {
            digits: digits.checked_mul(factor)?,
            exponent: exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?,
        })
    }

    /// The number, where it is whole.
    fn whole(self) -> Option<u128> {
        let (number, is_exact) = self.split(0)?;
        is_exact.then_some(number)
    }

    /// The number times `10^scale`, rounded up.
    fn rounded_up(self, scale: i32) -> Option<u128> {
        let (number, is_exact) = self.split(scale)?;
        number.checked_add(u128::from(!is_exact))
    }

    /// The whole part of the number times `10^scale`, and whether nothing is left over.
    fn split(self, scale: i32) -> Option<(u128, bool)> {
        let exponent = self.exponent.checked_add(scale)?;
        let power = 10_u128.checked_pow(exponent.unsigned_abs());
        match power {
            _ if self.digits == 0 => Some((0, true)),
            Some(power) if exponent < 0 => {
                Some((self.digits / power, self.digits.is_multiple_of(power)))
            }
            Some(power) => Some((self.digits.checked_mul(power)?, true)),
            None if exponent < 0 => Some((0, false)),
            None => None,
        }
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
            json!("1e-99"),
            json!(".+5e2"),
            json!("++1"),
            json!("."),
            json!("NaN"),
            json!(f64::NAN),
        ] {
            assert!(whole(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_left_over_counts_as_one_more() {
        for (value, units, thousandths) in [
            (json!(2), 2, 2_000),
            (json!(0.1), 1, 100),
            (json!("+1.5"), 2, 1_500),
            (json!("100m"), 1, 100),
            (json!("1500u"), 1, 2),
            (json!("1n"), 1, 1),
            (json!("1e-99"), 1, 1),
            (json!("0e-99"), 0, 0),
            (json!("0e99"), 0, 0),
            (json!("1.000000000000000000001Ki"), 1_025, 1_024_001),
            (json!("1Gi"), 1 << 30, 1_000 << 30),
            (
                json!("9223372036854775"),
                9_223_372_036_854_775,
                9_223_372_036_854_775_000,
            ),
        ] {
            assert_eq!(ceil(&value), Ok(units), "{value}");
            assert_eq!(milli(&value), Ok(thousandths), "{value}");
        }
        assert_eq!(ceil(&json!("9223372036854775807")), Ok(i64::MAX));
        for bad in [
            json!("9223372036854775808"),
            json!("9Ei9"),
            json!("-1"),
            json!(-0.5),
            json!("1e99"),
            json!("1e99999999999"),
            json!("NaN"),
            json!("inf"),
            json!("1 "),
            json!(""),
            json!(null),
            json!([1]),
        ] {
            assert!(ceil(&bad).is_err() && milli(&bad).is_err(), "{bad}");
        }
        let error = milli(&json!("-1")).unwrap_err().to_string();
        assert_eq!(
            error,
            r#""-1" is not a quantity; write a number such as 500m"#
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-+]?[0-9.]{0,40}([eE][-+]?[0-9]{0,12}|[numkMGTPE]i?)?|.*") {
            let value = Value::from(text);
            if let Ok(number) = whole(&value) && let Ok(rounded) = ceil(&value) {
                assert_eq!(i64::try_from(number), Ok(rounded));
            }
            let _ = milli(&value);
        }
    }
}
