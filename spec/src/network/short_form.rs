//! The comma-delimited form: `[namespace/]name[@interface], …` (NPWG specification, 4.1.1; `@interface` is Multus's).

use super::{EntryError, Namespace, NetworkRef, ObjectName, Selection};
use crate::{cni::InterfaceName, name::is_dns_label};

pub(super) fn parse(text: &str, namespace: &Namespace) -> Result<Vec<Selection>, EntryError> {
    text.split(',')
        .enumerate()
        .map(|(at, item)| element(at + 1, item.trim(), namespace))
        .collect()
}

fn element(index: usize, item: &str, pod_namespace: &Namespace) -> Result<Selection, EntryError> {
    let error = |field, problem: String| EntryError::new(index, item, field, problem);
    if item.is_empty() {
        return Err(error(
            None,
            "it is empty; remove the comma too many".to_owned(),
        ));
    }
    let (network, interface) = match item.split_once('@') {
        None => (item, None),
        Some((network, interface)) => (network.trim(), Some(interface.trim())),
    };
    if interface.is_some_and(|interface| interface.contains('@')) {
        return Err(error(
            None,
            "it has more than one '@'; write [namespace/]name[@interface]".to_owned(),
        ));
    }
    let (namespace, name) = match network.split_once('/') {
        None => (None, network),
        Some((namespace, name)) => (Some(namespace.trim()), name.trim()),
    };
    if name.contains('/') {
        return Err(error(
            None,
            "it has more than one '/'; write [namespace/]name[@interface]".to_owned(),
        ));
    }
    if name.contains('.') && name.split('.').all(is_dns_label) {
        let problem = format!(
            "a name with a dot cannot be written in this form; write [{{\"name\": {name:?}}}]"
        );
        return Err(error(Some("name"), problem));
    }
    let name = ObjectName::try_from(name).map_err(|e| error(Some("name"), e.to_string()))?;
    let namespace = match namespace {
        None => pod_namespace.clone(),
        Some(namespace) => {
            Namespace::try_from(namespace).map_err(|e| error(Some("namespace"), e.to_string()))?
        }
    };
    let interface = interface
        .map(InterfaceName::try_from)
        .transpose()
        .map_err(|e| error(Some("interface"), e.to_string()))?;
    Ok(Selection {
        interface,
        ..Selection::of(NetworkRef { namespace, name })
    })
}
