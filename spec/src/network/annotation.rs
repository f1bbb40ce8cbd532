//! The two annotations by which a pod chooses its networks.

use std::collections::BTreeMap;

use super::{
    AnnotationError, DEFAULT_NETWORK, EntryError, NETWORKS, Namespace, Selection, json_form,
    short_form,
};

/// How many networks a pod can select. Kernels take far more interfaces, but an annotation of 256 KiB could name a hundred
/// thousand, and everybody who reads it would work for them.
pub const MOST_NETWORKS: usize = 256;

/// Parses `k8s.v1.cni.cncf.io/networks`. A name without a namespace means the pod's. A blank annotation is no network.
///
/// # Errors
/// The annotation is not understood, or its elements contradict each other.
///
/// ```
/// let selections = spec::network::parse_networks("macvlan-conf, other/net-b@data0", &"default".parse()?)?;
/// assert_eq!(selections[1].network.to_string(), "other/net-b");
/// assert_eq!(selections[1].interface.as_ref().map(|name| name.as_str()), Some("data0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_networks(
    text: &str,
    pod_namespace: &Namespace,
) -> Result<Vec<Selection>, AnnotationError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let parse = || {
        let selections = parse_list(NETWORKS, text, pod_namespace)?;
        check_together(NETWORKS, &selections)?;
        check_devices(&selections)?;
        check_default_routes(&selections)?;
        Ok(selections)
    };
    parse().map_err(|error: AnnotationError| placed(error, text))
}

/// What no list of networks may be, whichever annotation holds it: too long, or with an interface name twice.
pub(super) fn check_together(
    annotation: &'static str,
    selections: &[Selection],
) -> Result<(), AnnotationError> {
    if selections.len() > MOST_NETWORKS {
        return Err(AnnotationError::TooMany {
            annotation,
            count: selections.len(),
            limit: MOST_NETWORKS,
        });
    }
    check_interfaces(annotation, selections)
}

/// Parses `v1.multus-cni.io/default-network`: one network. A name without a namespace means `namespace`, which is
/// Multus's own (`multusNamespace`, normally `kube-system`).
///
/// # Errors
/// The annotation is not understood, or does not name exactly one network.
pub fn parse_default_network(
    text: &str,
    namespace: &Namespace,
) -> Result<Selection, AnnotationError> {
    let parse = || {
        let selections = if text.trim().is_empty() {
            Vec::new()
        } else {
            parse_list(DEFAULT_NETWORK, text, namespace)?
        };
        check_default_routes(&selections)?;
        Ok(selections)
    };
    let selections = parse().map_err(|error| placed(error, text))?;
    match <[Selection; 1]>::try_from(selections) {
        Ok([selection]) => Ok(selection),
        Err(selections) => Err(AnnotationError::NotOne {
            annotation: DEFAULT_NETWORK,
            count: selections.len(),
        }),
    }
}

/// JSON where a character of JSON occurs, else the comma-delimited form: Multus's rule.
fn parse_list(
    annotation: &'static str,
    text: &str,
    namespace: &Namespace,
) -> Result<Vec<Selection>, AnnotationError> {
    if looks_like_json(text) {
        return json_form::parse(annotation, text, namespace);
    }
    short_form::parse(text, namespace).map_err(|entry| AnnotationError::Entry { annotation, entry })
}

/// The error with the place where it lies in `text`.
fn placed(error: AnnotationError, text: &str) -> AnnotationError {
    if looks_like_json(text) {
        error.in_json()
    } else {
        error
    }
}

pub(super) fn looks_like_json(text: &str) -> bool {
    text.contains(['[', '{', '"'])
}

fn check_interfaces(
    annotation: &'static str,
    selections: &[Selection],
) -> Result<(), AnnotationError> {
    let mut taken = BTreeMap::new();
    for (at, selection) in selections.iter().enumerate() {
        let Some(interface) = &selection.interface else {
            continue;
        };
        if let Some(first) = taken.insert(interface, at + 1) {
            let problem = format!(
                "entry {first} already has {interface:?}; an interface name may occur once",
                interface = interface.as_str()
            );
            return Err(contradiction(
                annotation,
                at,
                selection,
                "interface",
                problem,
            ));
        }
    }
    Ok(())
}

/// A device serves one attachment.
fn check_devices(selections: &[Selection]) -> Result<(), AnnotationError> {
    let mut taken = BTreeMap::new();
    for (at, selection) in selections.iter().enumerate() {
        let Some(device) = &selection.device_id else {
            continue;
        };
        if let Some(first) = taken.insert(device, at + 1) {
            let problem =
                format!("entry {first} already has {device:?}; a device serves one attachment");
            return Err(contradiction(NETWORKS, at, selection, "deviceID", problem));
        }
    }
    Ok(())
}

fn check_default_routes(selections: &[Selection]) -> Result<(), AnnotationError> {
    let mut gateways = BTreeMap::new();
    for (at, selection) in selections.iter().enumerate() {
        for gateway in selection.default_route.iter().flatten() {
            if let Some(first) = gateways.insert(gateway.is_ipv4(), gateway) {
                let family = if gateway.is_ipv4() { "IPv4" } else { "IPv6" };
                let problem = format!(
                    "a pod has one default route per family, but {first} and {gateway} are both {family}, and Polypod does not support ECMP for default-route"
                );
                return Err(contradiction(
                    NETWORKS,
                    at,
                    selection,
                    "default-route",
                    problem,
                ));
            }
        }
    }
    Ok(())
}

fn contradiction(
    annotation: &'static str,
    at: usize,
    selection: &Selection,
    field: &'static str,
    problem: String,
) -> AnnotationError {
    let entry = EntryError::new(at + 1, &selection.network.to_string(), Some(field), problem);
    AnnotationError::Entry { annotation, entry }
}

#[cfg(test)]
#[path = "annotation_tests.rs"]
mod tests;
