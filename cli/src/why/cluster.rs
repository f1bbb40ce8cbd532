//! The cluster as its API server has it now.

use std::cell::RefCell;

use anyhow::{Result, bail};
use serde_json::Value;

use super::{moment, observed::Observed};
use crate::cluster::{
    Access, Cause, Cluster, Kind, Scope, Selection, Unseen,
    kinds::{EVENTS, NETWORKS, NODE_INVENTORIES, NODE_RESOURCE_TOPOLOGIES, NODES, PODS},
};

/// Pods that hold something. The one that is asked about is read for itself.
const NOT_ENDED: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// Reads what the engine needs of a cluster, and the namespace that is meant.
pub(super) fn observed(access: &Access, pod: &str) -> Result<(Observed, String)> {
    access.reading(|cluster| async move {
        let observed = read(&cluster, pod).await?;
        Ok((observed, cluster.namespace))
    })
}

/// The pod first: of many nodes' reports only that of its node is kept whole, and of all other objects what they come to.
async fn read(cluster: &Cluster, pod: &str) -> Result<Observed> {
    let namespace = &cluster.namespace;
    let mut observed = Observed::about(namespace, pod);
    let found = match cluster.get(&PODS, Scope::Namespace(namespace), pod).await {
        Ok(Some(found)) => found,
        // Whoever looks for it in what was seen says that it is not there.
        Ok(None) => return Ok(observed),
        Err(unseen) => bail!("{unseen}"),
    };
    let uid = found["metadata"]["uid"].clone();
    observed.see("v1", "Pod", found, namespace);
    let has_networks = observed.material().has_networks();
    let observed = RefCell::new(observed);
    let not_ended = Selection::by_fields(NOT_ENDED);
    let of_pod = format!("involvedObject.kind=Pod,involvedObject.name={pod}");
    let of_pod = Selection::by_fields(&of_pod);
    let every = Selection::default();
    let all = |kind| seen(cluster, kind, Scope::Cluster, every, &uid, &observed);
    let (nodes, pods, inventories, topologies, events, networks) = tokio::join!(
        all(&NODES),
        seen(cluster, &PODS, Scope::Cluster, not_ended, &uid, &observed),
        all(&NODE_INVENTORIES),
        all(&NODE_RESOURCE_TOPOLOGIES),
        seen(
            cluster,
            &EVENTS,
            Scope::Namespace(namespace),
            of_pod,
            &uid,
            &observed
        ),
        async {
            match has_networks {
                true => networks(cluster, &uid, &observed).await,
                false => None,
            }
        },
    );
    let mut observed = observed.into_inner();
    // Without all of either nobody knows what is free.
    for unseen in [nodes, pods].into_iter().flatten() {
        observed.cannot_place(unseen);
    }
    // Nobody has to have both kinds.
    let reports = [inventories, topologies].into_iter().flatten();
    for unseen in reports.filter(|unseen| unseen.cause != Cause::NotServed) {
        observed.cannot_see(unseen);
    }
    for unseen in events.into_iter().chain(networks.clone()) {
        observed.cannot_see(unseen);
    }
    let obstacle = networks.map(|unseen| unseen.to_string());
    observed.material().unseen.extend(obstacle);
    observed.at(moment::now());
    Ok(observed)
}

/// Sees a kind, object by object, and keeps none of them for itself: a cluster's pods are large, and many. The pod of `uid` was
/// read before.
async fn seen(
    cluster: &Cluster,
    kind: &Kind,
    scope: Scope<'_>,
    selection: Selection<'_>,
    uid: &Value,
    observed: &RefCell<Observed>,
) -> Option<Unseen> {
    let see = |object: Value| {
        if object["metadata"].get("uid") != Some(uid) {
            let namespace = &cluster.namespace;
            let mut observed = observed.borrow_mut();
            observed.see(&kind.api_version(), kind.kind, object, namespace);
        }
    };
    cluster.list_each(kind, scope, selection, see).await.unseen
}

/// NetworkAttachmentDefinitions: of the cluster, or where those may not be seen of the pod's namespace.
async fn networks(cluster: &Cluster, uid: &Value, observed: &RefCell<Observed>) -> Option<Unseen> {
    let of = |scope| {
        let every = Selection::default();
        seen(cluster, &NETWORKS, scope, every, uid, observed)
    };
    let unseen = of(Scope::Cluster).await?;
    match unseen.cause {
        Cause::Forbidden => of(Scope::Namespace(&cluster.namespace)).await,
        _ => Some(unseen),
    }
}
