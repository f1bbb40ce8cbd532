//! What is left of Multus.

use serde_json::Value;

use super::{images, named, subjects};
use crate::doctor::{
    agent::Agent,
    finding::Issue,
    several::{counted, named as listed},
};

/// Where its manifests put everything.
pub(in super::super) const NAMESPACE: &str = "kube-system";

/// The ConfigMaps of its manifests, with a daemon and without.
pub(in super::super) const CONFIG_MAPS: [&str; 2] = ["multus-daemon-config", "multus-cni-config"];

/// The name of its ClusterRole, its binding and its ServiceAccount.
const NAME: &str = "multus";

/// The page that has all commands.
const PAGE: &str = "when no node is Multus's any more (docs/migrating-from-multus.md)";

/// A DaemonSet of Multus. One without pods harms nobody; with pods it writes a configuration of its own.
pub(super) fn daemon_set(daemon_set: &Value) -> Option<Issue> {
    let (namespace, name) = named(daemon_set);
    let is_its = name.starts_with("kube-multus")
        || images(daemon_set).any(|image| image.contains("multus-cni"));
    if !is_its {
        return None;
    }
    let pods = daemon_set
        .pointer("/status/desiredNumberScheduled")
        .and_then(Value::as_u64);
    let text = match pods {
        Some(0) => format!("Multus's DaemonSet {namespace}/{name} is there, without pods"),
        Some(pods) => format!(
            "Multus's DaemonSet {namespace}/{name} is there, for {pods} nodes: where the agent runs too, both write the runtime's configuration"
        ),
        None => format!("Multus's DaemonSet {namespace}/{name} is there"),
    };
    Some(Issue::warn(
        text,
        format!("{PAGE}: kubectl -n {namespace} delete daemonset {name}"),
    ))
}

/// A binding of its ServiceAccount, whose token is in a file of every node that was Multus's.
pub(super) fn rights(binding: &Value) -> Option<Issue> {
    let (_, name) = named(binding);
    let account = subjects(binding).find(|(_, account)| *account == NAME)?;
    let (namespace, account) = account;
    let role = binding["roleRef"]["name"].as_str().unwrap_or_default();
    Some(Issue::warn(
        format!(
            "the ClusterRoleBinding {name} gives the ServiceAccount {namespace}/{account} what the ClusterRole {role} may, and its token may be in files of nodes that were Multus's"
        ),
        format!(
            "{PAGE}: kubectl delete clusterrolebinding {name}; kubectl delete clusterrole {role}; kubectl -n {namespace} delete serviceaccount {account}"
        ),
    ))
}

/// Its configuration, which nobody reads but its daemon, and an agent that is told to take it over.
pub(super) fn config_map(config_map: &Value) -> Issue {
    let (namespace, name) = named(config_map);
    Issue::warn(
        format!("Multus's ConfigMap {namespace}/{name} is there"),
        format!("{PAGE}: kubectl -n {namespace} delete configmap {name}"),
    )
}

/// Nodes whose runtime takes Multus's file: it attaches their pods, and not Polypod.
pub(super) fn files(agents: &[Agent]) -> Option<Issue> {
    let file = |agent: &Agent| {
        let file = agent.status.as_ref()?.runtime_configuration.clone()?;
        Some((agent.node.clone(), file)).filter(|(_, file)| file.contains(NAME))
    };
    let found: Vec<(String, String)> = agents.iter().filter_map(file).collect();
    let (_, first) = found.first()?;
    let nodes: Vec<&str> = found.iter().map(|(node, _)| node.as_str()).collect();
    Some(Issue::warn(
        format!(
            "runtimes take {first}, so that Multus attaches the pods of {}: {}",
            counted(nodes.len(), "node"),
            listed(&nodes)
        ),
        "take the nodes over (docs/migrating-from-multus.md: --adopt-multus), or where Multus is gone remove the file from the node's /etc/cni/net.d",
    ))
}
