//! Whether agents, plugins, webhook and this program are of one version.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    agent::Agent,
    finding::{Finding, Issue},
    several::{counted, named},
};
use crate::cluster::Unseen;

const CHECK: &str = "versions";

/// What is known of versions.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// Of this program.
    pub(super) own: &'a str,
    /// Where Polypod is installed.
    pub(super) namespace: &'a str,
    /// What agents say.
    pub(super) agents: (&'a [Agent], Option<&'a Unseen>),
    /// The webhook's Deployment.
    pub(super) deployment: &'a Result<Option<Value>, Unseen>,
}

/// Judges them.
pub(super) fn judged(seen: &Seen<'_>) -> Finding {
    let (agents, unseen) = seen.agents;
    let mut issues: Vec<Issue> = unseen.map(Issue::from).into_iter().collect();
    let mut evidence = vec![format!("this program is {}", seen.own)];
    let mut of_agents = BTreeMap::<&str, Vec<&str>>::new();
    let mut mixed = Vec::new();
    for Agent { node, status, .. } in agents {
        let Some(status) = status else { continue };
        let Some(version) = status.agent_version.as_deref() else {
            continue;
        };
        of_agents.entry(version).or_default().push(node);
        if let Some(plugin) = status
            .plugin_version
            .as_deref()
            .filter(|plugin| *plugin != version)
        {
            mixed.push((node.as_str(), version, plugin));
        }
    }
    let roll_out = format!(
        "kubectl -n {} rollout status daemonset/polypod-device-bridge",
        seen.namespace
    );
    let texts = of_agents.iter().map(|(version, nodes)| {
        format!(
            "{version} on {} ({})",
            counted(nodes.len(), "node"),
            named(nodes)
        )
    });
    let texts: Vec<String> = texts.collect();
    match texts.as_slice() {
        [] => issues.push(Issue::unknown(
            "no agent says its version",
            "see the check bridges",
        )),
        [one] => evidence.push(format!("agents are {one}")),
        several => issues.push(Issue::warn(
            format!("agents are of several versions: {}", several.join("; ")),
            roll_out,
        )),
    }
    if let Some((_, version, plugin)) = mixed.first() {
        let nodes: Vec<&str> = mixed.iter().map(|(node, ..)| *node).collect();
        let text = format!(
            "the plugin is {plugin} and the agent {version} on {}: {}",
            counted(nodes.len(), "node"),
            named(&nodes)
        );
        let mend = format!(
            "the agent installs its own plugin: kubectl -n {} logs -l app.kubernetes.io/name=polypod-device-bridge --tail 50 says why it has not",
            seen.namespace
        );
        issues.push(Issue::warn(text, mend));
    }
    let of_webhook = match seen.deployment {
        Ok(Some(deployment)) => tag(deployment),
        Ok(None) => None,
        Err(unseen) => {
            issues.push(unseen.into());
            None
        }
    };
    if let Some(tag) = of_webhook {
        evidence.push(format!("the webhook's image is {tag}"));
        if !of_agents.is_empty() && !of_agents.contains_key(tag) {
            let text = format!("the webhook's image is {tag}, and no agent is of that version");
            issues.push(Issue::warn(
                text,
                "docs/operations.md says in which order to upgrade",
            ));
        }
    }
    let others: Vec<&str> = of_agents
        .keys()
        .copied()
        .chain(of_webhook)
        .filter(|version| *version != seen.own)
        .collect();
    if let Some(other) = others.first() {
        let text = format!(
            "this program is {}, and what is installed is {other}: it may not know all that is said",
            seen.own
        );
        issues.push(Issue::warn(
            text,
            format!("take kubectl-polypod {other}, or upgrade what is installed"),
        ));
    }
    let good = format!("agents, plugins, webhook and this program are {}", seen.own);
    Finding::of(CHECK, good, evidence, issues)
}

/// The tag of the image, where it is a version: whoever rebuilds images may tag them otherwise, or not at all.
fn tag(deployment: &Value) -> Option<&str> {
    let containers = deployment
        .pointer("/spec/template/spec/containers")?
        .as_array()?;
    let container = containers
        .iter()
        .find(|container| container["name"] == "webhook")?;
    let image = container["image"].as_str()?;
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    let (_, tag) = image
        .rsplit_once('/')
        .map_or(image, |(_, name)| name)
        .rsplit_once(':')?;
    let is_version =
        tag.split('.').count() == 3 && tag.starts_with(|first: char| first.is_ascii_digit());
    is_version.then_some(tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{agent::tests::agent, finding::Verdict, webhook::tests::unseen},
        *,
    };

    fn of(node: &str, version: &str, plugin: &str) -> Agent {
        let mut agent = agent(node, &[]);
        let status = agent.status.as_mut().unwrap();
        status.agent_version = Some(version.to_owned());
        status.plugin_version = Some(plugin.to_owned());
        agent
    }

    fn image(image: &str) -> Result<Option<Value>, Unseen> {
        Ok(Some(
            json!({"spec": {"template": {"spec": {"containers": [{"name": "webhook", "image": image}]}}}}),
        ))
    }

    fn judge(agents: &[Agent], deployment: &Result<Option<Value>, Unseen>) -> Finding {
        judged(&Seen {
            own: "0.2.0",
            namespace: "polypod-system",
            agents: (agents, None),
            deployment,
        })
    }

    #[test]
    fn one_version_is_well_and_others_are_named() {
        let same = of("a", "0.2.0", "0.2.0");
        let finding = judge(
            std::slice::from_ref(&same),
            &image("registry:5000/polypod-webhook:0.2.0"),
        );
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
        for (agents, webhook, words) in [
            (
                vec![same.clone(), of("b", "0.1.0", "0.1.0")],
                "w:0.2.0",
                "agents are of several versions: 0.1.0 on 1 node (b); 0.2.0 on 1 node (a)",
            ),
            (
                vec![of("b", "0.2.0", "0.1.0")],
                "w:0.2.0",
                "the plugin is 0.1.0 and the agent 0.2.0 on 1 node: b",
            ),
            (vec![same.clone()], "w:0.1.0", "no agent is of that version"),
            (
                vec![of("a", "0.1.0", "0.1.0")],
                "w:0.1.0",
                "this program is 0.2.0",
            ),
        ] {
            let finding = judge(&agents, &image(webhook));
            assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
        }
        // Neither a tag that is no version nor a digest tells one.
        for other in [
            "w:latest",
            "w",
            "registry:5000/w",
            "w@sha256:abc",
            "w:main@sha256:abc",
        ] {
            assert_eq!(
                judge(std::slice::from_ref(&same), &image(other)).verdict,
                Verdict::Ok,
                "{other}"
            );
        }
        assert_eq!(
            judge(&[], &Err(unseen("deployments"))).verdict,
            Verdict::Unknown
        );
    }
}
