//! Members of one name.

use std::collections::HashSet;

use jsonptr::Pointer;

use super::{
    object::child,
    report::{MOST_FAULTS, Report},
};
use crate::{
    DefinitionFault,
    json::{Json, Position, Value},
};

/// Finds them in the whole of a configuration, which is `text`.
pub(super) fn check(json: &Json<'_>, text: &str, report: &mut Report) {
    find(json, Pointer::root(), text, report);
}

fn find(json: &Json<'_>, at: &Pointer, text: &str, report: &mut Report) {
    match &json.value {
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                if matches!(element.value, Value::List(_) | Value::Object(_)) {
                    find(element, &child(at, &index.to_string()), text, report);
                }
            }
        }
        Value::Object(members) => {
            let mut keys = HashSet::new();
            for member in members {
                // Each costs a look at the whole text for its line.
                if report.faults.len() >= MOST_FAULTS {
                    return;
                }
                let is_new = keys.insert(member.key.as_str());
                let is_nested = matches!(member.value.value, Value::List(_) | Value::Object(_));
                if is_new && !is_nested {
                    continue;
                }
                let at = child(at, &member.key);
                if !is_new {
                    let Position { line, column } = member.value.position(text);
                    report.add(DefinitionFault::Duplicate {
                        pointer: at.to_string(),
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
