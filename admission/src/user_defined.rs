//! Annotations that the administrator injects into pods with a label.
//!
//! They are there before anything else is decided, so that networks and devices are those of one and the same pod.

use std::{borrow::Cow, collections::BTreeMap};

use api::pod::Pod;
use spec::{
    label::LabelKey,
    network::{DEFAULT_NETWORK, NETWORKS},
};

use crate::{Warning, policy::UserDefined};

/// The annotations that `pod` gets by its labels. Its own stay; where two labels differ, the first in the administrator's
/// order holds.
pub(crate) fn annotations(
    pod: &Pod,
    user_defined: &[UserDefined],
    warnings: &mut Vec<Warning>,
) -> BTreeMap<String, String> {
    let mut injected: BTreeMap<&LabelKey, (&UserDefined, &str)> = BTreeMap::new();
    let labels = &pod.metadata.labels;
    let selecting = user_defined
        .iter()
        .filter(|one| one.selects(|key| labels.get(key).map(String::as_str)));
    for one in selecting {
        for (key, text) in &one.annotations {
            if pod.metadata.annotations.contains_key(key.as_str()) {
                continue;
            }
            let (first, kept) = *injected.entry(key).or_insert((one, text));
            if kept != text {
                warnings.push(Warning::new(&format!(
                    "labels {} and {} inject different {key}; that of {0} is taken",
                    first.label, one.label
                )));
            }
        }
    }
    injected
        .into_iter()
        .map(|(key, (_, text))| (key.to_string(), text.to_owned()))
        .collect()
}

/// The pod as it is with these annotations.
pub(crate) fn with<'a>(pod: &'a Pod, annotations: &BTreeMap<String, String>) -> Cow<'a, Pod> {
    if annotations.is_empty() {
        return Cow::Borrowed(pod);
    }
    let mut pod = pod.clone();
    let added = annotations
        .iter()
        .map(|(key, text)| (key.clone(), text.clone()));
    pod.metadata.annotations.extend(added);
    Cow::Owned(pod)
}

/// Whether an annotation decides which networks a pod gets, so that a pod without it would silently get others.
pub(crate) fn is_about_networks(key: &str) -> bool {
    [NETWORKS, DEFAULT_NETWORK].contains(&key)
}
