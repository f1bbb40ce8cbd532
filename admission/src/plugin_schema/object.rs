//! An object of the configuration, read as plugins written in Go read it.
//!
//! Go's decoder takes keys in any case, the last of several that fit, and `null` for a key that is not there. Source:
//! Go's documentation of `encoding/json`.

use jsonptr::{Pointer, PointerBuf};

use crate::json::{Json, Member, Value};

/// An object and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a> {
    pub(super) at: PointerBuf,
    pub(super) members: &'a [Member<'a>],
}

impl<'a> Object<'a> {
    /// What `json` holds, if it is an object.
    pub(super) fn of(json: &'a Json<'a>, at: PointerBuf) -> Option<Self> {
        match &json.value {
            Value::Object(members) => Some(Self { at, members }),
            _ => None,
        }
    }

    /// Where a member of this name is or would be.
    pub(super) fn place(&self, key: &str) -> PointerBuf {
        child(&self.at, key)
    }

    /// The member as the plugin sees it.
    pub(super) fn get(&self, key: &str) -> Option<&'a Json<'a>> {
        let fits = |member: &&Member<'_>| {
            member.key.eq_ignore_ascii_case(key) && !matches!(member.value.value, Value::Null)
        };
        self.members
            .iter()
            .rev()
            .find(fits)
            .map(|member| &member.value)
    }

    /// A text; what is of another kind, or empty, is not there.
    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        match &self.get(key)?.value {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str) -> Option<i128> {
        self.get(key).and_then(whole)
    }

    /// Whether it says `true`.
    pub(super) fn flag(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|json| matches!(json.value, Value::Flag(true)))
    }

    /// The elements of a list, with their places.
    pub(super) fn list(&self, key: &str) -> Option<Vec<(PointerBuf, &'a Json<'a>)>> {
        let at = self.place(key);
        match &self.get(key)?.value {
            Value::List(elements) => Some(
                elements
                    .iter()
                    .enumerate()
                    .map(|(index, json)| (child(&at, &index.to_string()), json))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// The elements of a list that are objects.
    pub(super) fn objects(&self, key: &str) -> Vec<Self> {
        let elements = self.list(key).unwrap_or_default();
        elements
            .into_iter()
            .filter_map(|(at, json)| Self::of(json, at))
            .collect()
    }

    /// An object.
    pub(super) fn object(&self, key: &str) -> Option<Self> {
        Self::of(self.get(key)?, self.place(key))
    }
}

/// A number as Go's integers take it: without a fraction and without an exponent.
pub(super) fn whole(json: &Json<'_>) -> Option<i128> {
    match json.value {
        Value::Number => json.text.parse().ok(),
        _ => None,
    }
}

/// The place of a member or element.
pub(super) fn child(at: &Pointer, token: &str) -> PointerBuf {
    let mut at = at.to_buf();
    at.push_back(token);
    at
}
