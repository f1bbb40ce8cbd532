//! What a configuration list says about its own handling.

use serde_json::value::RawValue;

use super::{ConfError, Fields, fields};

/// `disableCheck`, `disableGC` and `loadOnlyInlinedPlugins`. CNI specification, section 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListOptions {
    pub(super) disable_check: bool,
    pub(super) disable_gc: bool,
    pub(super) load_only_inlined_plugins: bool,
}

impl ListOptions {
    pub(super) fn read(members: &Fields) -> Result<Self, ConfError> {
        let flag = |key: &str| {
            fields::set(members, key).map_or(Ok(false), |raw| {
                read_flag(raw)
                    .ok_or_else(|| fields::wrong_kind(raw, &format!("/{key}"), "true or false"))
            })
        };
        Ok(Self {
            disable_check: flag("disableCheck")?,
            disable_gc: flag("disableGC")?,
            load_only_inlined_plugins: flag("loadOnlyInlinedPlugins")?,
        })
    }
}

/// The reference implementation takes the texts as well, in any case.
fn read_flag(raw: &RawValue) -> Option<bool> {
    if let Ok(flag) = serde_json::from_str(raw.get()) {
        return Some(flag);
    }
    let text: String = serde_json::from_str(raw.get()).ok()?;
    text.to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags() {
        let read = |text: &str| ListOptions::read(&fields::parse(text).unwrap());
        assert_eq!(
            read(r#"{"disableCheck":true,"disableGC":"True","loadOnlyInlinedPlugins":"false"}"#),
            Ok(ListOptions {
                disable_check: true,
                disable_gc: true,
                load_only_inlined_plugins: false,
            })
        );
        assert_eq!(read(r#"{"disableGC":null}"#), Ok(ListOptions::default()));
        for (text, words) in [
            (r#"{"disableCheck":"yes"}"#, "a text at /disableCheck"),
            (r#"{"disableGC":1}"#, "a number at /disableGC"),
            (
                r#"{"loadOnlyInlinedPlugins":[]}"#,
                "a list at /loadOnlyInlinedPlugins",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
