//! Members of one name.

use std::collections::HashSet;

use jsonptr::PointerBuf;

use super::report::{Report, place};
use crate::{
    DefinitionFault,
    json::{Json, Position, Value},
};

/// Where something is: a pointer is made of it only where there is a fault, as an author's keys may be long.
enum Path<'a> {
    Root,
    Member(&'a Self, &'a str),
    Element(&'a Self, usize),
}

/// Finds them in the whole of a configuration, which is `text`.
pub(super) fn check(json: &Json<'_>, text: &str, report: &mut Report) {
    find(json, &Path::Root, text, report);
}

fn find(json: &Json<'_>, at: &Path<'_>, text: &str, report: &mut Report) {
    match &json.value {
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                if !report.looks_on() {
                    return;
                }
                find(element, &Path::Element(at, index), text, report);
            }
        }
        Value::Object(members) => {
            let mut keys = HashSet::new();
            for member in members {
                // Each costs a look at the whole text for its line.
                if !report.looks_on() {
                    return;
                }
                let at = Path::Member(at, &member.key);
                if !keys.insert(member.key.as_str()) {
                    let Position { line, column } = member.value.position(text);
                    report.add(DefinitionFault::Duplicate {
                        pointer: place(&at.pointer()),
                        line,
                        column,
                    });
                }
                find(&member.value, &at, text, report);
            }
        }
        Value::Null | Value::Flag(_) | Value::Number | Value::Text(_) | Value::Closed => {}
    }
}

impl Path<'_> {
    fn pointer(&self) -> PointerBuf {
        match self {
            Path::Root => PointerBuf::new(),
            Path::Member(parent, key) => parent.pointer().with_trailing_token(*key),
            Path::Element(parent, index) => parent.pointer().with_trailing_token(*index),
        }
    }
}
