//! Keys and values of labels, by the rules of the API server (apimachinery `validation.IsQualifiedName` and
//! `IsValidLabelValue`).

use crate::name::{is_dns_label, name_type};

name_type! {
    /// The key of a label or of an annotation, such as `kubernetes.io/os`.
    LabelKey,
    "key of a label or annotation",
    |text| {
        let (prefix, name) = match text.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, text),
        };
        let prefix_is_right = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_dns_label));
        if prefix_is_right && !name.is_empty() && is_name(name) {
            Ok(())
        } else {
            Err("it must be [prefix/]name: the prefix a domain in lower case, the name 1 to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit")
        }
    }
}

name_type! {
    /// The value of a label; it may be empty.
    LabelValue,
    "value of a label",
    |text| if is_name(text) {
        Ok(())
    } else {
        Err("it must be empty, or 1 to 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit")
    }
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    bytes.len() <= 63 && edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let long = "a".repeat(63);
        for good in ["gpu", "A_b.c-9", "kubernetes.io/os", "a.b-c/D", &long] {
            assert!(LabelKey::try_from(good).is_ok(), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "", "/", "a/", "/a", "a/b/c", "A.io/x", "-a", "a-", "a b", "a=b", "ä", &too_long,
        ] {
            assert!(LabelKey::try_from(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn values() {
        for good in ["", "1", "eno3", "A_b.c-9"] {
            assert!(LabelValue::try_from(good).is_ok(), "{good}");
        }
        for bad in ["=x", "a b", "-a", "a-", "a/b", "ä"] {
            assert!(LabelValue::try_from(bad).is_err(), "{bad:?}");
        }
    }
}
