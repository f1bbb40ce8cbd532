//! A pod that is bound is counted, whatever is written in it.

use std::collections::BTreeMap;

use api::pod::{Pod, Resources};
use serde_json::Value;
use spec::network::SPREAD;

use crate::resource::Kind;

/// The pod without what keeps it from being counted: a spread matters only until it is bound, and of a quantity that is
/// more than any node has there is as much as can be told.
pub(super) fn of(pod: &Pod) -> Pod {
    let mut pod = pod.clone();
    pod.metadata.annotations.remove(SPREAD);
    let spec = &mut pod.spec;
    let containers = spec.containers.iter_mut().chain(&mut spec.init_containers);
    let resources = containers.filter_map(|container| container.resources.as_mut());
    let lists = resources.chain(spec.resources.as_mut()).flat_map(lists);
    for list in lists.chain(spec.overhead.as_mut()) {
        for (resource, quantity) in list {
            bound(Kind::of(resource), quantity);
        }
    }
    pod
}

fn lists(resources: &mut Resources) -> impl Iterator<Item = &mut BTreeMap<String, Value>> {
    let lists = [resources.requests.as_mut(), resources.limits.as_mut()];
    lists.into_iter().flatten()
}

/// The API server lets in no quantity that is none, and none below nought. What cannot be read all the same is too much.
fn bound(kind: Kind, quantity: &mut Value) {
    if kind.amount(quantity).is_err() {
        *quantity = match kind {
            Kind::Cpu => format!("{}m", i64::MAX).into(),
            Kind::Memory | Kind::HugePages | Kind::HostLevel | Kind::Device => i64::MAX.into(),
        };
    }
}
