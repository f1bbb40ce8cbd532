//! The hugepages of a pod's containers as files, which DPDK applications read their limits from.

use std::collections::BTreeMap;

use api::{pod::Pod, quantity::whole};
use serde_json::Value;

use crate::pod_net_info::{DownwardFile, DownwardSource};

/// What the names of hugepage resources begin with; their size follows, such as `1Gi`.
const PREFIX: &str = "hugepages-";

/// `hugepages_1G_request_app` and the like, for everything that app containers have.
pub(crate) fn files(pod: &Pod) -> Vec<DownwardFile> {
    let mut files = Vec::new();
    for container in &pod.spec.containers {
        let Some(resources) = &container.resources else {
            continue;
        };
        let lists = [
            ("requests", "request", &resources.requests),
            ("limits", "limit", &resources.limits),
        ];
        for (list, what, quantities) in lists {
            let sizes = quantities.iter().flat_map(sizes);
            files.extend(sizes.map(|size| DownwardFile {
                path: format!(
                    "hugepages_{}_{what}_{}",
                    size.replace('i', ""),
                    container.name
                ),
                source: DownwardSource::Resource {
                    container: container.name.clone(),
                    resource: format!("{list}.{PREFIX}{size}"),
                },
            }));
        }
    }
    files
}

/// The sizes of which there is anything.
fn sizes(quantities: &BTreeMap<String, Value>) -> impl Iterator<Item = &str> {
    quantities
        .iter()
        .filter(|(_, quantity)| whole(quantity).is_ok_and(|quantity| quantity > 0))
        .filter_map(|(name, _)| name.strip_prefix(PREFIX))
        .filter(|size| !size.is_empty())
}
