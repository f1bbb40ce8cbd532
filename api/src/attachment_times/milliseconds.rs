//! A duration as people read it: milliseconds, to a tenth.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Milliseconds to a tenth, rounded down, so that parts are together never longer than the whole. In JSON a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Milliseconds {
    tenths: u32,
}

impl Milliseconds {
    /// From microseconds; the longest that can be said is five days.
    #[must_use]
    pub fn of_micros(micros: u64) -> Self {
        Self {
            tenths: u32::try_from(micros / 100).unwrap_or(u32::MAX),
        }
    }

    /// In microseconds.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::from(self.tenths) * 100
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tenths / 10, self.tenths % 10) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, tenth) => write!(f, "{whole}.{tenth}"),
        }
    }
}

impl Serialize for Milliseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.tenths.is_multiple_of(10) {
            serializer.serialize_u32(self.tenths / 10)
        } else {
            serializer.serialize_f64(f64::from(self.tenths) / 10.0)
        }
    }
}

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ms = f64::deserialize(deserializer)?;
        let tenths = (ms * 10.0).round();
        if (0.0..=f64::from(u32::MAX)).contains(&tenths) {
            // A whole number within the range.
            let tenths = tenths as u32;
            Ok(Self { tenths })
        } else {
            Err(D::Error::custom(format!(
                "{ms} is no number of milliseconds"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_a_tenth_and_back() {
        for (micros, text) in [
            (0, "0"),
            (99, "0"),
            (100, "0.1"),
            (40_199, "40.1"),
            (12_000_000, "12000"),
            (u64::MAX, "429496729.5"),
        ] {
            let ms = Milliseconds::of_micros(micros);
            assert_eq!(ms.to_string(), text);
            assert_eq!(serde_json::to_string(&ms).unwrap(), text);
            assert_eq!(serde_json::from_str::<Milliseconds>(text).unwrap(), ms);
        }
        assert_eq!(Milliseconds::of_micros(40_199).micros(), 40_100);
        for wrong in ["-1", "1e300", "\"1\"", "null", "429496729.7"] {
            assert!(
                serde_json::from_str::<Milliseconds>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn parts_stay_within_the_whole(parts in proptest::collection::vec(0_u64..10_000_000, 0..9)) {
            let whole = Milliseconds::of_micros(parts.iter().sum());
            let together: u64 = parts.into_iter().map(|part| Milliseconds::of_micros(part).micros()).sum();
            proptest::prop_assert!(together <= whole.micros());
        }
    }
}
