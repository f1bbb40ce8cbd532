//! A cluster in files, such as `kubectl get nodes,pods,nodeinventories -A -o yaml` prints it.

use std::path::PathBuf;

use anyhow::{Result, bail};
use api::objects;

use super::observed::Observed;
use crate::input::{self, Source};

/// Reads files. Now is when the last of them was written, as far as their objects tell.
pub(super) fn observed(filenames: &[PathBuf], namespace: &str, pod: &str) -> Result<Observed> {
    let mut observed = Observed::about(namespace, pod);
    let mut is_empty = true;
    for source in filenames.iter().flat_map(|name| input::sources(name)) {
        let Source { name, text } = source?;
        for object in objects::parse(&text, &name)? {
            is_empty = false;
            observed.see(&object.api_version, &object.kind, object.value, namespace);
        }
    }
    if is_empty {
        bail!(
            "there is no object in the input; name files that hold Nodes, NodeInventories and Pods"
        );
    }
    Ok(observed)
}
