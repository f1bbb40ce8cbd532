//! All checks, on what was seen.

use std::time::SystemTime;

use serde_json::Value;

use super::{
    agent::Agent, bridges, certificate, clock, clock::Reading, configuration_order, extender,
    finding::Finding, kinds_served, kubelet_socket, leftovers, versions, webhook,
};
use crate::cluster::{Listed, Unseen};

/// An object; none where it is not there.
pub(super) type Found = Result<Option<Value>, Unseen>;

/// What was seen of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    /// The version of the API server; empty where it keeps that to itself.
    pub(super) server: String,
    /// The API server's clock, or why it is not known.
    pub(super) clock: Result<Reading, String>,
    /// This machine's clock when the reports of the agents came: what is old, and what is of the future, is so then.
    pub(super) here: SystemTime,
    /// All MutatingWebhookConfigurations.
    pub(super) mutating: Listed,
    /// All ValidatingWebhookConfigurations.
    pub(super) validating: Listed,
    /// What came of the pod that selects a network that is not there.
    pub(super) trial: Result<webhook::Trial, Unseen>,
    /// The EndpointSlices of the webhook's Service.
    pub(super) slices: Listed,
    /// The webhook's Deployment.
    pub(super) deployment: Found,
    /// The name of the Secret that the webhook's certificate is in, and the Secret.
    pub(super) secret: (String, Found),
    /// The kinds of [`kinds_served::CUSTOM`].
    pub(super) kinds: [kinds_served::Seen; 3],
    /// Nodes, as far as checks look at them.
    pub(super) nodes: Listed,
    /// What agents say.
    pub(super) agents: Listed<Agent>,
    /// The agents' DaemonSet.
    pub(super) daemon_set: Found,
    /// DaemonSets of all namespaces.
    pub(super) daemon_sets: Listed,
    /// Deployments of all namespaces.
    pub(super) deployments: Listed,
    /// ClusterRoleBindings, as far as checks look at them.
    pub(super) bindings: Listed,
    /// Those of [`leftovers::CONFIG_MAPS`] that are there.
    pub(super) config_maps: Listed,
    /// Pods that wait at the scheduling gate, as `namespace/name`.
    pub(super) gated: Listed<String>,
    /// What the scheduler extender answers.
    pub(super) extender: Result<extender::Answer, Unseen>,
}

/// The findings, in the order in which one explains the next.
pub(super) fn findings(seen: &Observed, installed_in: &str) -> Vec<Finding> {
    let reading = seen.clock.as_ref().ok().copied();
    // Certificates and reports are judged by the clock of whoever goes by them.
    let now = reading.map_or(seen.here, |reading| reading.at(seen.here));
    let listed = |listed: &'_ Listed| -> Found { ours(listed) };
    let (mutating, validating) = (listed(&seen.mutating), listed(&seen.validating));
    let agents = (seen.agents.items.as_slice(), seen.agents.unseen.as_ref());
    let (secret_name, secret) = &seen.secret;
    let configurations: Vec<Value> = [&seen.mutating, &seen.validating]
        .into_iter()
        .flat_map(|listed| listed.items.iter().cloned())
        .collect();
    let unseen = [&seen.mutating.unseen, &seen.validating.unseen];
    let of_agents = bridges::Seen {
        namespace: installed_in,
        nodes: (&seen.nodes.items, seen.nodes.unseen.as_ref()),
        agents,
        daemon_set: &seen.daemon_set,
        now,
    };
    let current = bridges::current(&of_agents);
    let is_thin = bridges::is_thin(&seen.daemon_set);
    vec![
        kinds_served::judged(&seen.kinds),
        webhook::judged(&webhook::Seen {
            namespace: installed_in,
            mutating: &mutating,
            validating: &validating,
            slices: (&seen.slices.items, seen.slices.unseen.as_ref()),
            trial: &seen.trial,
        }),
        certificate::judged(&certificate::Seen {
            namespace: installed_in,
            configurations: [
                ("MutatingWebhookConfiguration", &mutating),
                ("ValidatingWebhookConfiguration", &validating),
            ],
            secret: (secret_name, secret),
            now,
        }),
        bridges::judged(&of_agents),
        kubelet_socket::judged(&current, agents.1, is_thin),
        configuration_order::judged(&current, agents.1, is_thin, installed_in),
        versions::judged(&versions::Seen {
            own: env!("CARGO_PKG_VERSION"),
            namespace: installed_in,
            agents,
            deployment: &seen.deployment,
        }),
        extender::judged(&extender::Seen {
            namespace: installed_in,
            deployment: &seen.deployment,
            answer: &seen.extender,
        }),
        leftovers::judged(&leftovers::Seen {
            daemon_sets: (&seen.daemon_sets.items, seen.daemon_sets.unseen.as_ref()),
            deployments: (&seen.deployments.items, seen.deployments.unseen.as_ref()),
            configurations: (&configurations, unseen.into_iter().flatten().collect()),
            bindings: (&seen.bindings.items, seen.bindings.unseen.as_ref()),
            config_maps: (
                &seen.config_maps.items,
                seen.config_maps.unseen.iter().collect(),
            ),
            agents: &current,
            gated: (&seen.gated.items, seen.gated.unseen.as_ref()),
            webhook: &seen.deployment,
        }),
        clock::judged(
            seen.clock.as_ref().copied().map_err(String::as_str),
            agents.0,
            seen.here,
        ),
    ]
}

/// Our configuration among all: one that is not in a list that broke off may be behind.
fn ours(listed: &Listed) -> Found {
    let is_ours = |object: &&Value| object["metadata"]["name"] == "polypod";
    match (listed.items.iter().find(is_ours), &listed.unseen) {
        (Some(found), _) => Ok(Some(found.clone())),
        (None, Some(unseen)) => Err(unseen.clone()),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
#[path = "judgement_tests.rs"]
mod tests;
