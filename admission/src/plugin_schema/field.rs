//! The keys of an object and what may stand there, as data.

use std::{collections::HashMap, ops::RangeInclusive};

use jsonptr::Pointer;

use super::{
    address,
    object::{Object, child, whole},
    report::{Report, quoted},
    suggestion,
};
use crate::json::{Json, Value};

/// A key that a plugin reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(super) key: &'static str,
    pub(super) kind: Kind,
}

/// What may stand there. What does not fit is refused by the plugin, unless it is said otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Anything.
    Any,
    Text,
    Flag,
    /// A whole number from the first to the second.
    Number(i128, i128),
    /// An MTU that is passed to the kernel, or passed over if it is negative.
    Mtu,
    /// One of these texts, or an empty one for the default.
    OneOf(&'static [&'static str]),
    /// A hardware address, or an empty text.
    Mac,
    /// An IP address, or an empty text.
    Ip,
    /// An IP network or an address with a prefix length. An empty text is none.
    Cidr,
    List(&'static Self),
    /// An object whose keys the plugin knows.
    Object(&'static [Field]),
    /// An object whose keys are the author's.
    Map(&'static Self),
}

/// A key and its kind.
pub(super) const fn field(key: &'static str, kind: Kind) -> Field {
    Field { key, kind }
}

/// Any number of Go's type `int`.
pub(super) const INT: Kind = Kind::Number(i64::MIN as i128, i64::MAX as i128);
/// Any number of Go's type `uint32`.
pub(super) const UINT32: Kind = Kind::Number(0, u32::MAX as i128);
/// Any number of Go's type `uint64`.
pub(super) const UINT64: Kind = Kind::Number(0, u64::MAX as i128);
/// A VLAN, 0 for none.
pub(super) const VLAN: Kind = Kind::Number(0, 4094);
/// An MTU that the plugin checks itself, 0 for the default.
pub(super) const CHECKED_MTU: Kind = Kind::Number(0, LARGEST_MTU);
/// A list of texts.
pub(super) const TEXTS: Kind = Kind::List(&Kind::Text);

/// The kernel's limit for the kinds of interfaces that plugins make.
const LARGEST_MTU: i128 = 65535;

/// Checks the members of `object`, whose keys are `fields`, first those of it alone and then those of all its like.
/// `owner` is who reads them, such as "plugin bridge".
pub(super) fn check(object: &Object<'_>, owner: &str, fields: &[&[Field]], report: &mut Report) {
    let known = || fields.iter().copied().flatten();
    let mut spellings: HashMap<&str, &str> = HashMap::new();
    for member in object.members {
        if !report.looks_on() {
            return;
        }
        let at = object.place(&member.key);
        let Some(field) = known().find(|field| field.key.eq_ignore_ascii_case(&member.key)) else {
            if report.tells_more() && !is_namespaced(&member.key) {
                let suggestion = suggestion::nearest(&member.key, known().map(|field| field.key))
                    .map_or(String::new(), |key| format!("; did you mean {key}?"));
                report.warn(
                    &at,
                    &format!("{owner} has no key {:?}{suggestion}", quoted(&member.key)),
                );
            }
            continue;
        };
        let first = *spellings.entry(field.key).or_insert(&member.key);
        if first != member.key {
            report.warn(
                &at,
                &format!("{owner} takes it for the same key as {first:?}"),
            );
        }
        check_value(&at, &member.value, field.kind, owner, report);
    }
}

/// Keys with a domain are by convention nobody else's. CNI CONVENTIONS.md.
fn is_namespaced(key: &str) -> bool {
    key.contains('/')
}

fn check_value(at: &Pointer, json: &Json<'_>, kind: Kind, owner: &str, report: &mut Report) {
    match (kind, &json.value) {
        // To Go's decoder `null` is a key that is not there.
        (Kind::Any, _) | (_, Value::Null | Value::Closed) | (Kind::Text, Value::Text(_)) => {}
        (Kind::Flag, Value::Flag(_)) => {}
        (Kind::Number(from, to), Value::Number) => {
            check_number(at, json, from..=to, report);
        }
        (Kind::Mtu, Value::Number) => match whole(json) {
            Some(mtu) if mtu < 0 => report.warn(at, "a negative MTU is passed over"),
            _ => check_number(at, json, i64::MIN.into()..=LARGEST_MTU, report),
        },
        (Kind::OneOf(_) | Kind::Mac | Kind::Ip, Value::Text(text)) if text.is_empty() => {}
        (Kind::OneOf(texts), Value::Text(text)) => {
            if !texts.contains(&text.as_str()) {
                report.refused(at, json, format!("one of {}", texts.join(", ")));
            }
        }
        (Kind::Mac, Value::Text(text)) => {
            if !address::is_hardware_address(text) {
                report.refused(at, json, "a hardware address, such as 02:23:45:67:89:01");
            }
        }
        (Kind::Ip, Value::Text(text)) => {
            if address::ip(text).is_none() {
                report.refused(at, json, "an IP address, such as 10.1.0.1 or fd00::1");
            }
        }
        (Kind::Cidr, Value::Text(text)) => {
            if address::cidr(text).is_none() {
                report.refused(at, json, address::CIDR);
            }
        }
        (Kind::List(kind), Value::List(elements)) => {
            for (index, element) in elements.iter().enumerate() {
                if !report.looks_on() {
                    return;
                }
                let at = child(at, &index.to_string());
                check_value(&at, element, *kind, owner, report);
            }
        }
        (Kind::Object(fields), Value::Object(members)) => {
            let at = at.to_buf();
            check(&Object { at, members }, owner, &[fields], report);
        }
        (Kind::Map(kind), Value::Object(members)) => {
            for member in members {
                if !report.looks_on() {
                    return;
                }
                check_value(&child(at, &member.key), &member.value, *kind, owner, report);
            }
        }
        (kind, _) => report.refused(at, json, kind.wanted()),
    }
}

fn check_number(at: &Pointer, json: &Json<'_>, range: RangeInclusive<i128>, report: &mut Report) {
    match whole(json) {
        Some(number) if range.contains(&number) => {}
        Some(_) if *range.start() < i128::from(i32::MIN) => {
            report.refused(at, json, format!("at most {}", range.end()));
        }
        Some(_) => report.refused(at, json, format!("{}..{}", range.start(), range.end())),
        None => report.refused(at, json, Kind::Mtu.wanted()),
    }
}

impl Kind {
    const fn wanted(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Text | Self::OneOf(_) | Self::Mac | Self::Ip => "a text, in quotes",
            Self::Flag => "true or false, without quotes",
            Self::Number(..) | Self::Mtu => "a whole number, without quotes and without a fraction",
            Self::Cidr => address::CIDR,
            Self::List(_) => "a list",
            Self::Object(_) | Self::Map(_) => "an object",
        }
    }
}
