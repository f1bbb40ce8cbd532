//! The trace that a request belongs to. Source: W3C Trace Context, section 3.2, "Traceparent Header".

use crate::name::name_type;

name_type! {
    /// A `traceparent`, such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    ///
    /// Of a version later than `00` only what `00` has is looked at, as the recommendation wants it, and the text stays
    /// as it is.
    TraceContext,
    "traceparent",
    check
}

const RULE: &str = "it must be version-trace id-parent id-flags in lower case hexadecimal of 2, 32, 16 and 2 digits, the ids not all zero and the version not ff, with 256 characters at most, \
                    such as 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// How long one of a later version may be. The recommendation has no bound; these are kept for every pod of a node.
const LONGEST: usize = 256;

/// How long version `00` is, and where its parts begin and end.
const LENGTH: usize = 55;
const TRACE_ID: std::ops::Range<usize> = 3..35;
const PARENT_ID: std::ops::Range<usize> = 36..52;
const FLAGS: std::ops::Range<usize> = 53..55;

fn check(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    // Looked at as bytes, so that no cut goes through a character.
    let Some(known) = bytes.get(..LENGTH) else {
        return Err(RULE);
    };
    let digits = known.iter().enumerate().all(|(index, byte)| {
        if matches!(index, 2 | 35 | 52) {
            *byte == b'-'
        } else {
            byte.is_ascii_digit() || (b'a'..=b'f').contains(byte)
        }
    });
    let zero = |part: std::ops::Range<usize>| known[part].iter().all(|byte| *byte == b'0');
    let rest = match (&known[..2], bytes.get(LENGTH)) {
        (b"ff", _) => false,
        _ if bytes.len() > LONGEST => false,
        (_, None) => true,
        (version, Some(byte)) => version != b"00" && *byte == b'-',
    };
    if digits && rest && !zero(TRACE_ID) && !zero(PARENT_ID) {
        Ok(())
    } else {
        Err(RULE)
    }
}

impl TraceContext {
    /// The id of the whole trace: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.as_str()[TRACE_ID]
    }

    /// The id of the span that asks: 16 hexadecimal digits.
    #[must_use]
    pub fn parent_id(&self) -> &str {
        &self.as_str()[PARENT_ID]
    }

    /// Whether the caller may have recorded its span (the flag `sampled`).
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        let flags = u8::from_str_radix(&self.as_str()[FLAGS], 16);
        flags.is_ok_and(|flags| flags & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn parts() {
        let context: TraceContext = GOOD.parse().unwrap();
        assert_eq!(context.to_string(), GOOD);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.parent_id(), "b7ad6b7169203331");
        assert!(context.is_sampled());
        let not: TraceContext = GOOD.replace("-01", "-fe").parse().unwrap();
        assert!(!not.is_sampled());
    }

    #[test]
    fn what_is_a_traceparent() {
        let later = GOOD.replace("00-0af", "cc-0af");
        for good in [
            GOOD.to_owned(),
            later.clone(),
            format!("{later}-what-comes-later"),
        ] {
            assert!(good.parse::<TraceContext>().is_ok(), "{good}");
        }
        for bad in [
            String::new(),
            GOOD[..54].to_owned(),
            format!("{GOOD}-"),
            format!("{GOOD}0"),
            format!(" {GOOD}"),
            format!("{later}x"),
            GOOD.replace("00-0af", "ff-0af"),
            GOOD.replace("00-0af", "0-00af"),
            GOOD.to_uppercase(),
            GOOD.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            GOOD.replace("-01", "-0g"),
            GOOD.replace('-', "_"),
            "é".repeat(30),
        ] {
            assert!(bad.parse::<TraceContext>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_of_traces() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (text, is_one) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), true),
            (format!("cc-{TRACE}-00f067aa0ba902b7-01-more"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-01-more"), false),
            (format!("ff-{TRACE}-00f067aa0ba902b7-01"), false),
            (format!("00-{TRACE}-0000000000000000-01"), false),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false),
            (
                format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
                false,
            ),
            (format!("00-{TRACE}-00f067aa0ba902b7"), false),
            (format!("00-{TRACE}é-00f067aa0ba902b7-01"), false),
            (String::new(), false),
        ] {
            assert_eq!(text.parse::<TraceContext>().is_ok(), is_one, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,80}") {
            if let Ok(context) = text.parse::<TraceContext>() {
                proptest::prop_assert_eq!(context.trace_id().len(), 32);
            }
        }

        #[test]
        fn every_traceparent_is_one(text in "0[0-9a-f]-[1-9a-f]{32}-[1-9a-f]{16}-[0-9a-f]{2}") {
            proptest::prop_assert!(text.parse::<TraceContext>().is_ok());
        }
    }
}
