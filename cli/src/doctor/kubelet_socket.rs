//! Whether the kubelets say which devices there are and who holds them.

use api::node_inventory::KUBELET_ANSWERS;

use super::{
    agent::{Agent, Said},
    bridges::THIN,
    finding::{Finding, Issue},
    several::{counted, named},
};
use crate::cluster::Unseen;

const CHECK: &str = "kubelets";

/// Judges what agents say of their kubelets.
pub(super) fn judged(agents: &[Agent], unseen: Option<&Unseen>, is_thin: bool) -> Finding {
    if is_thin {
        return Finding::of(CHECK, THIN, Vec::new(), Vec::new());
    }
    let mut issues: Vec<Issue> = unseen.map(Issue::from).into_iter().collect();
    let said = Said::by(agents, KUBELET_ANSWERS);
    issues.extend(said.issues(
        |reason, message| format!("the kubelet does not answer ({reason}: {message})"),
        remedy,
    ));
    if !said.silent.is_empty() {
        let text = format!(
            "the agents of {} do not say whether their kubelet answers: {}",
            counted(said.silent.len(), "node"),
            named(&said.silent)
        );
        issues.push(Issue::unknown(text, "see the checks bridges and versions"));
    }
    if agents.is_empty() && unseen.is_none() {
        issues.push(Issue::unknown(
            "no agent has reported",
            "see the check bridges",
        ));
    }
    let good = format!("the kubelets of {} answer", counted(said.good, "node"));
    Finding::of(CHECK, good, Vec::new(), issues)
}

/// By the reason of the condition (docs/topology.md).
fn remedy(reason: &str) -> &'static str {
    match reason {
        "SocketMissing" | "SocketPathWrong" => {
            "see that the DaemonSet mounts the kubelet's folder pod-resources, and --pod-resources-socket: docs/install.md has where distributions have it"
        }
        "NotConnected" | "NoAnswer" => {
            "on the node: systemctl status kubelet; journalctl -u kubelet --since -10min"
        }
        "CallRefused" => "see that the kubelet's feature gates leave KubeletPodResources on",
        _ => {
            "look at the agent's log: kubectl logs -l app.kubernetes.io/name=polypod-device-bridge --tail 50, in the namespace of the installation"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{agent::tests::agent, finding::Verdict, webhook::tests::unseen},
        *,
    };

    #[test]
    fn every_reason_is_told_once_with_its_nodes() {
        let answers = |status, reason| [[KUBELET_ANSWERS, status, reason, "said so"]];
        let good = agent("a", &answers("True", "Answering"));
        assert_eq!(
            judged(std::slice::from_ref(&good), None, false).verdict,
            Verdict::Ok
        );
        for (status, reason, verdict, words, mend) in [
            (
                "False",
                "SocketMissing",
                Verdict::Fail,
                "(SocketMissing: said so) on 1 node: b",
                "pod-resources",
            ),
            (
                "False",
                "NoAnswer",
                Verdict::Fail,
                "NoAnswer",
                "systemctl status kubelet",
            ),
            (
                "False",
                "CallRefused",
                Verdict::Fail,
                "CallRefused",
                "feature gates",
            ),
            (
                "False",
                "AnswerUnreadable",
                Verdict::Fail,
                "AnswerUnreadable",
                "logs",
            ),
            (
                "Unknown",
                "NotAskedYet",
                Verdict::Unknown,
                "not looked at yet",
                "wait",
            ),
        ] {
            let finding = judged(
                &[good.clone(), agent("b", &answers(status, reason))],
                None,
                false,
            );
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
            assert!(finding.mend[0].contains(mend), "{finding:?}");
        }
        assert_eq!(
            judged(&[good, agent("b", &[])], None, false).verdict,
            Verdict::Unknown
        );
        assert_eq!(judged(&[], None, false).verdict, Verdict::Unknown);
        assert_eq!(judged(&[], None, true).verdict, Verdict::Ok);
        assert_eq!(judged(&[], Some(&unseen("x")), false).evidence.len(), 0);
    }
}
