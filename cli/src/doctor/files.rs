//! Sees of a cluster in files what checks go by. Who answers, and what, files do not tell.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::{
    agent::Agent,
    gather::{AGENTS, WEBHOOK, looked_at, secret_name, whom_it_binds, without_pod_details},
    judgement::{Found, Observed},
    kinds::{BINDINGS, CONFIG_MAPS, DEFINITIONS, ENDPOINT_SLICES, MUTATING, SECRETS, VALIDATING},
    kinds_served::{self, CUSTOM, Custom},
    leftovers,
};
use crate::{
    cluster::{
        Cause, Kind, Listed, Objects, Scope, Selection, Unseen,
        kinds::{DAEMON_SETS, DEPLOYMENTS, NODE_INVENTORIES, NODES, PODS},
    },
    output::instant,
};

/// Sees all of it. Now is the newest moment that a report or a Node tells of, so that an old dump is judged as of its time.
pub(super) async fn observed(objects: &Objects, installed_in: &str) -> Observed {
    let here = Scope::Namespace(installed_in);
    let nodes = listed(objects, &NODES, Scope::Cluster).await;
    let inventories = listed(objects, &NODE_INVENTORIES, Scope::Cluster).await;
    let now = newest(&nodes.items, &inventories.items).unwrap_or_else(SystemTime::now);
    let deployment = found(objects, &DEPLOYMENTS, here, WEBHOOK).await;
    let name = secret_name(&deployment);
    let secret = found(objects, &SECRETS, here, &name).await;
    let mut slices = listed(objects, &ENDPOINT_SLICES, here).await;
    slices
        .items
        .retain(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == WEBHOOK);
    let everywhere = Scope::Cluster;
    let mut config_maps = listed(
        objects,
        &CONFIG_MAPS,
        Scope::Namespace(leftovers::NAMESPACE),
    )
    .await;
    config_maps.items.retain(|one| {
        let name = one["metadata"]["name"].as_str();
        name.is_some_and(|name| leftovers::CONFIG_MAPS.contains(&name))
    });
    let pods = listed(objects, &PODS, everywhere).await;
    let [networks, reports, topologies] = &CUSTOM;
    Observed {
        server: String::new(),
        clock: Err("files have no clock".to_owned()),
        here: now,
        mutating: listed(objects, &MUTATING, everywhere).await,
        validating: listed(objects, &VALIDATING, everywhere).await,
        trial: Err(live("whether the API server reaches the webhook")),
        slices,
        deployment,
        secret: (name, secret),
        kinds: [
            kind(objects, networks).await,
            kind(objects, reports).await,
            kind(objects, topologies).await,
        ],
        nodes: each(nodes, |node| looked_at(&node)),
        agents: each(inventories, |inventory| Agent::of(&inventory)).kept(),
        daemon_set: found(objects, &DAEMON_SETS, here, AGENTS).await,
        daemon_sets: each(
            listed(objects, &DAEMON_SETS, everywhere).await,
            without_pod_details,
        ),
        deployments: each(
            listed(objects, &DEPLOYMENTS, everywhere).await,
            without_pod_details,
        ),
        bindings: each(listed(objects, &BINDINGS, everywhere).await, whom_it_binds),
        config_maps,
        gated: each(pods, |pod| leftovers::at_the_gate(&pod)).kept(),
        extender: Err(live("what the scheduler extender answers")),
    }
}

/// What only an API server can be asked.
fn live(what: &str) -> Unseen {
    Unseen {
        what: what.to_owned(),
        cause: Cause::NotGiven,
        why: "files tell what is written, and not who answers".to_owned(),
        what_to_do: "ask the cluster: the same without -f".to_owned(),
    }
}

/// A kind, of which the files hold none: whoever wrote them may not have asked for it.
fn not_given(kind: &Kind, scope: Scope<'_>) -> Unseen {
    let of = match scope {
        Scope::Cluster => String::new(),
        Scope::Namespace(name) => format!(" of the namespace {name}"),
    };
    Unseen {
        what: format!("{}{of}", kind.resource()),
        cause: Cause::NotGiven,
        why: "there is none in the files".to_owned(),
        what_to_do: "name files that hold what is missing, too; docs/kubectl-doctor.md has the command that prints all".to_owned(),
    }
}

async fn listed(objects: &Objects, kind: &Kind, scope: Scope<'_>) -> Listed {
    let mut listed = objects.list(kind, scope, Selection::default()).await;
    if listed.items.is_empty() {
        listed.unseen = listed.unseen.or_else(|| Some(not_given(kind, scope)));
    }
    listed
}

/// An object by its name. Where there are others of its kind and namespace, it is not there.
async fn found(objects: &Objects, kind: &Kind, scope: Scope<'_>, name: &str) -> Found {
    let Listed { items, unseen } = listed(objects, kind, scope).await;
    match unseen {
        Some(unseen) => Err(unseen),
        None => Ok(items
            .into_iter()
            .find(|one| one["metadata"]["name"] == name)),
    }
}

fn each<T>(listed: Listed, keep: impl FnMut(Value) -> T) -> Listed<T> {
    Listed {
        items: listed.items.into_iter().map(keep).collect(),
        unseen: listed.unseen,
    }
}

/// What an API server serves by a definition that the files hold. Of one that they do not hold nothing is known: definitions are
/// printed one by one, too.
async fn kind(objects: &Objects, custom: &Custom) -> kinds_served::Seen {
    let name = custom.definition();
    let definition = found(objects, &DEFINITIONS, Scope::Cluster, &name).await;
    let resources = match &definition {
        Ok(Some(definition)) => Ok(Some(served(definition, custom))),
        Ok(None) | Err(_) => Err(Unseen {
            what: format!("the CustomResourceDefinition {name}"),
            ..not_given(&DEFINITIONS, Scope::Cluster)
        }),
    };
    kinds_served::Seen {
        resources,
        definition,
    }
}

/// As an API server lists it.
fn served(definition: &Value, custom: &Custom) -> Value {
    let versions = definition["spec"]["versions"].as_array();
    let mut versions = versions.into_iter().flatten();
    let version = versions.find(|one| one["name"] == custom.version && one["served"] == true);
    let mut names: Vec<Value> = Vec::new();
    if let Some(version) = version {
        names.push(json!({"name": custom.plural}));
        if version["subresources"]["status"].is_object() {
            names.push(json!({"name": format!("{}/status", custom.plural)}));
        }
    }
    json!({"resources": names})
}

/// The newest moment that is told of.
fn newest(nodes: &[Value], inventories: &[Value]) -> Option<SystemTime> {
    let reported = inventories
        .iter()
        .filter_map(|one| one["observedAt"].as_str());
    let conditions = nodes
        .iter()
        .filter_map(|node| node.pointer("/status/conditions")?.as_array());
    let beats = conditions
        .flatten()
        .filter_map(|condition| condition["lastHeartbeatTime"].as_str());
    reported.chain(beats).filter_map(instant).max()
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
