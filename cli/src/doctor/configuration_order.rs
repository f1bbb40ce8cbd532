//! Whether runtimes take our CNI configuration first, and who else has one.

use std::collections::BTreeMap;

use api::node_inventory::CONFIGURATION_INSTALLED;

use super::{
    agent::{Agent, Said},
    bridges::THIN,
    finding::{Finding, Issue},
    several::{counted, named},
};
use crate::cluster::Unseen;

const CHECK: &str = "configuration";

/// Judges what agents say of their nodes' configuration.
pub(super) fn judged(
    agents: &[Agent],
    unseen: Option<&Unseen>,
    is_thin: bool,
    installed_in: &str,
) -> Finding {
    if is_thin {
        return Finding::of(CHECK, THIN, Vec::new(), Vec::new());
    }
    let mut issues: Vec<Issue> = unseen.map(Issue::from).into_iter().collect();
    let mut evidence = Vec::new();
    let said = Said::by(agents, CONFIGURATION_INSTALLED);
    issues.extend(said.issues(
        |reason, message| format!("runtimes do not take our configuration ({reason}: {message})"),
        |reason| remedy(reason, installed_in),
    ));
    for (problem, nodes) in problems(agents) {
        let text = format!(
            "{problem}, on {}: {}",
            counted(nodes.len(), "node"),
            named(&nodes)
        );
        issues.push(Issue::warn(
            text,
            "look at the runtime's folder of configurations on the node (/etc/cni/net.d)",
        ));
    }
    for (file, nodes) in taken(agents) {
        evidence.push(format!(
            "runtimes take {file} on {}: {}",
            counted(nodes.len(), "node"),
            named(&nodes)
        ));
    }
    // Without a status nothing is said at all; with one the condition is missing where the agent installs nothing.
    let has_status = |node: &String| {
        agents
            .iter()
            .any(|agent| agent.node == *node && agent.status.is_some())
    };
    let (install_none, mute): (Vec<&String>, Vec<&String>) =
        said.silent.iter().partition(|node| has_status(node));
    if !install_none.is_empty() {
        evidence.push(format!(
            "the agents of {} install no configuration (they run without --install)",
            counted(install_none.len(), "node")
        ));
    }
    if !mute.is_empty() {
        let text = format!(
            "the agents of {} do not say how their node's configuration stands: {}",
            counted(mute.len(), "node"),
            named(&mute)
        );
        issues.push(Issue::unknown(text, "see the checks bridges and versions"));
    }
    if agents.is_empty() && unseen.is_none() {
        issues.push(Issue::unknown(
            "no agent has reported",
            "see the check bridges",
        ));
    }
    let good = match said.good {
        0 => "no agent installs a configuration".to_owned(),
        good => format!(
            "runtimes of {} take our configuration first",
            counted(good, "node")
        ),
    };
    Finding::of(CHECK, good, evidence, issues)
}

/// What is wrong while the condition is true, such as a broken file of the cluster network: its message says so behind the
/// file's name.
fn problems(agents: &[Agent]) -> BTreeMap<String, Vec<&str>> {
    let mut problems = BTreeMap::<String, Vec<&str>>::new();
    for Agent { node, status, .. } in agents {
        let Some(status) = status else { continue };
        let Some(condition) = status.condition(CONFIGURATION_INSTALLED) else {
            continue;
        };
        if condition.status != "True" {
            continue;
        }
        let file = status.runtime_configuration.as_deref().unwrap_or_default();
        let first = format!("runtimes take {file}");
        let rest = condition
            .message
            .strip_prefix(&first)
            .unwrap_or(&condition.message);
        let rest = rest.trim_start_matches("; ");
        if !rest.is_empty() {
            problems.entry(rest.to_owned()).or_default().push(node);
        }
    }
    problems
}

/// The files that runtimes take.
fn taken(agents: &[Agent]) -> BTreeMap<&str, Vec<&str>> {
    let mut taken = BTreeMap::<&str, Vec<&str>>::new();
    for Agent { node, status, .. } in agents {
        let file = status
            .as_ref()
            .and_then(|status| status.runtime_configuration.as_deref());
        if let Some(file) = file {
            taken.entry(file).or_default().push(node);
        }
    }
    taken
}

/// By the reason of the condition (docs/topology.md).
fn remedy(reason: &str, installed_in: &str) -> String {
    let log = format!(
        "kubectl -n {installed_in} logs -l app.kubernetes.io/name=polypod-device-bridge --tail 50"
    );
    let advice = match reason {
        "NotFirst" => {
            "take away the file that the message names, or the program that writes it; or give the agents --conf-name with a name that sorts before it"
        }
        "Contended" => {
            "another program writes our file again and again: end it (see the check leftovers)"
        }
        "ClusterNetworkMissing" | "NotGenerated" => {
            "see that the cluster network's own agent runs on the node and has written its file: kubectl -n kube-system get pods -o wide --field-selector spec.nodeName=NODE"
        }
        "MultusRefused" | "NothingOfMultus" => "see docs/migrating-from-multus.md",
        "PluginMissing" | "InstallFailed" => {
            return format!("see that the node's folder of CNI plugins can be written: {log}");
        }
        "TokenAwaited" => {
            "see that the agent may create tokens of polypod-plugin: docs/credentials.md"
        }
        _ => return log,
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{agent::tests::agent, finding::Verdict},
        *,
    };

    fn installed(node: &str, status: &str, reason: &str, message: &str) -> Agent {
        let mut agent = agent(node, &[[CONFIGURATION_INSTALLED, status, reason, message]]);
        let status = agent.status.as_mut().unwrap();
        status.runtime_configuration = Some("00-polypod.conflist".to_owned());
        agent
    }

    #[test]
    fn reasons_are_told_with_their_nodes_and_what_to_do() {
        let good = || {
            installed(
                "a",
                "True",
                "Installed",
                "runtimes take 00-polypod.conflist",
            )
        };
        let finding = judged(&[good()], None, false, "polypod-system");
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
        assert_eq!(
            finding.evidence,
            ["runtimes take 00-polypod.conflist on 1 node: a"]
        );
        for (status, reason, message, verdict, words, mend) in [
            (
                "False",
                "NotFirst",
                "00-multus.conf sorts before it",
                Verdict::Fail,
                "00-multus.conf",
                "take away the file",
            ),
            (
                "False",
                "Contended",
                "",
                Verdict::Fail,
                "Contended",
                "leftovers",
            ),
            (
                "False",
                "ClusterNetworkMissing",
                "",
                Verdict::Fail,
                "ClusterNetworkMissing",
                "cluster network's own agent",
            ),
            (
                "False",
                "MultusRefused",
                "",
                Verdict::Fail,
                "MultusRefused",
                "migrating",
            ),
            (
                "False",
                "PluginMissing",
                "",
                Verdict::Fail,
                "PluginMissing",
                "folder of CNI plugins",
            ),
            ("False", "New", "", Verdict::Fail, "New", "logs"),
            (
                "Unknown",
                "NotLookedYet",
                "",
                Verdict::Unknown,
                "not looked at",
                "wait",
            ),
            (
                "True",
                "Installed",
                "runtimes take 00-polypod.conflist; 10-flannel.conflist is broken",
                Verdict::Warn,
                "10-flannel.conflist is broken, on 1 node: b",
                "net.d",
            ),
        ] {
            let finding = judged(
                &[good(), installed("b", status, reason, message)],
                None,
                false,
                "polypod-system",
            );
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
            assert!(finding.mend[0].contains(mend), "{finding:?}");
        }
    }

    #[test]
    fn an_agent_may_install_nothing() {
        let finding = judged(&[agent("a", &[])], None, false, "polypod-system");
        assert_eq!(
            (finding.verdict, finding.found.as_str()),
            (Verdict::Ok, "no agent installs a configuration")
        );
        let mut mute = agent("a", &[]);
        mute.status = None;
        assert_eq!(
            judged(&[mute], None, false, "polypod-system").verdict,
            Verdict::Unknown
        );
    }
}
