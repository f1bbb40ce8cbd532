//! What is left of those whose work Polypod does: Multus, the network resources injector, and the controller that judged
//! NetworkAttachmentDefinitions; and of Polypod's own what was switched off.
//!
//! What pods carry, such as network-status, belongs to them and goes with them, whoever wrote it.

mod gated;
mod injector;
mod multus;

use serde_json::Value;

pub(super) use self::{
    gated::at_the_gate,
    multus::{CONFIG_MAPS, NAMESPACE},
};
use super::{
    agent::Agent,
    finding::{Finding, Issue},
};
use crate::cluster::Unseen;

const CHECK: &str = "leftovers";

/// Objects of kinds in which something may be left.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    /// DaemonSets of all namespaces.
    pub(super) daemon_sets: (&'a [Value], Option<&'a Unseen>),
    /// Deployments of all namespaces.
    pub(super) deployments: (&'a [Value], Option<&'a Unseen>),
    /// Configurations of webhooks, each with its `kind`.
    pub(super) configurations: (&'a [Value], Vec<&'a Unseen>),
    /// ClusterRoleBindings.
    pub(super) bindings: (&'a [Value], Option<&'a Unseen>),
    /// Those of [`CONFIG_MAPS`] that are there.
    pub(super) config_maps: (&'a [Value], Vec<&'a Unseen>),
    /// What agents say.
    pub(super) agents: &'a [Agent],
    /// Pods that wait at the scheduling gate.
    pub(super) gated: (&'a [String], Option<&'a Unseen>),
    /// The Deployment of the webhook, which opens the gate.
    pub(super) webhook: &'a Result<Option<Value>, Unseen>,
}

/// Judges them.
pub(super) fn judged(seen: &Seen<'_>) -> Finding {
    let obstacles = [
        seen.daemon_sets.1,
        seen.deployments.1,
        seen.bindings.1,
        seen.gated.1,
    ];
    let obstacles = obstacles
        .into_iter()
        .flatten()
        .chain(seen.configurations.1.iter().copied())
        .chain(seen.config_maps.1.iter().copied());
    let mut issues: Vec<Issue> = obstacles.map(Issue::from).collect();
    issues.extend(gated::forgotten(seen.gated.0, seen.webhook));
    issues.extend(multus::files(seen.agents));
    issues.extend(seen.daemon_sets.0.iter().filter_map(multus::daemon_set));
    issues.extend(seen.configurations.0.iter().filter_map(injector::hooks));
    let workloads = seen.deployments.0.iter().chain(seen.daemon_sets.0);
    issues.extend(workloads.filter_map(injector::servers));
    issues.extend(seen.bindings.0.iter().filter_map(multus::rights));
    issues.extend(seen.bindings.0.iter().filter_map(injector::rights));
    issues.extend(seen.config_maps.0.iter().map(multus::config_map));
    let good = "nothing is left of Multus or the network resources injector";
    Finding::of(CHECK, good, Vec::new(), issues)
}

fn named(object: &Value) -> (&str, &str) {
    let word = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    (word("namespace"), word("name"))
}

fn images(object: &Value) -> impl Iterator<Item = &str> {
    let containers = object
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter_map(|container| container["image"].as_str())
}

/// The ServiceAccounts that a binding binds: namespace and name.
fn subjects(binding: &Value) -> impl Iterator<Item = (&str, &str)> {
    let subjects = binding["subjects"].as_array();
    let accounts = subjects
        .into_iter()
        .flatten()
        .filter(|subject| subject["kind"] == "ServiceAccount");
    accounts.map(|account| {
        let word = |key: &str| account[key].as_str().unwrap_or_default();
        (word("namespace"), word("name"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{finding::Verdict, webhook::tests::unseen},
        *,
    };

    fn daemon_set(name: &str, image: &str, pods: u64) -> Value {
        json!({"kind": "DaemonSet", "metadata": {"namespace": "kube-system", "name": name},
            "spec": {"template": {"spec": {"containers": [{"image": image}]}}}, "status": {"desiredNumberScheduled": pods}})
    }

    fn nothing() -> Seen<'static> {
        Seen {
            daemon_sets: (&[], None),
            deployments: (&[], None),
            configurations: (&[], Vec::new()),
            bindings: (&[], None),
            config_maps: (&[], Vec::new()),
            agents: &[],
            gated: (&[], None),
            webhook: &Ok(None),
        }
    }

    fn judge(daemon_sets: &[Value], deployments: &[Value], configurations: &[Value]) -> Finding {
        judged(&Seen {
            daemon_sets: (daemon_sets, None),
            deployments: (deployments, None),
            configurations: (configurations, Vec::new()),
            ..nothing()
        })
    }

    #[test]
    fn bindings_are_known_by_whom_they_bind() {
        let binding = |name: &str, account: &str| {
            json!({"metadata": {"name": name}, "roleRef": {"name": "r"},
                "subjects": [{"kind": "User", "name": "multus"},
                    {"kind": "ServiceAccount", "namespace": "kube-system", "name": account}]})
        };
        for (binding, words, mend) in [
            (
                binding("any", "multus"),
                "kube-system/multus",
                "delete clusterrolebinding any; kubectl delete clusterrole r; kubectl -n kube-system delete serviceaccount multus",
            ),
            (
                binding("network-resources-injector-role-binding", "x"),
                "of network-resources-injector",
                "kubectl delete clusterrolebinding network-resources-injector-role-binding",
            ),
            (
                binding("any", "net-attach-def-admission-controller-sa"),
                "of net-attach-def-admission-controller",
                "kubectl delete clusterrolebinding any",
            ),
        ] {
            let finding = judged(&Seen {
                bindings: (&[binding], None),
                ..nothing()
            });
            assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
            assert!(finding.mend[0].contains(mend), "{finding:?}");
        }
        let ours = [binding("polypod-plugin", "polypod-plugin"), json!({})];
        let finding = judged(&Seen {
            bindings: (&ours, None),
            ..nothing()
        });
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    }

    #[test]
    fn files_and_configurations_of_multus_are_named() {
        let taking = |node: &str, file: &str| {
            Agent::of(
                &json!({"metadata": {"name": node}, "status": {"runtimeConfiguration": file}}),
            )
        };
        let agents: Vec<Agent> = [
            taking("a", "00-multus.conf"),
            taking("b", "00-polypod.conflist"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let map = json!({"metadata": {"namespace": "kube-system", "name": "multus-daemon-config"}});
        let finding = judged(&Seen {
            agents: &agents,
            config_maps: (&[map], Vec::new()),
            ..nothing()
        });
        assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
        let text = format!("{finding:?}");
        for words in [
            "00-multus.conf, so that Multus attaches the pods of 1 node: a",
            "delete configmap multus-daemon-config",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let ours = judged(&Seen {
            agents: &agents[1..],
            ..nothing()
        });
        assert_eq!(ours.verdict, Verdict::Ok, "{ours:?}");
    }

    #[test]
    fn pods_at_a_gate_that_nobody_opens_fail() {
        let pod = json!({"metadata": {"namespace": "a", "name": "p"},
            "spec": {"schedulingGates": [{"name": "x"}, {"name": spec::network::SCHEDULING_GATE}]}});
        let gated: Vec<String> = at_the_gate(&pod).into_iter().collect();
        assert_eq!(gated, ["a/p"]);
        let other = json!({"spec": {"schedulingGates": [{"name": "x"}]}});
        assert_eq!(at_the_gate(&other), None);
        let verdict = |webhook: &Result<Option<Value>, Unseen>| {
            let finding = judged(&Seen {
                gated: (&gated, None),
                webhook,
                ..nothing()
            });
            assert!(finding.verdict == Verdict::Ok || finding.found.contains("a/p"));
            finding.verdict
        };
        let with = |args: Value| {
            let containers = json!([{"args": args}]);
            Ok(Some(
                json!({"spec": {"template": {"spec": {"containers": containers}}}}),
            ))
        };
        assert_eq!(verdict(&with(json!(["--scheduling-gates"]))), Verdict::Ok);
        assert_eq!(verdict(&with(json!([]))), Verdict::Fail);
        assert_eq!(verdict(&Ok(None)), Verdict::Fail);
        assert_eq!(verdict(&Err(unseen("deployments"))), Verdict::Ok);
    }

    #[test]
    fn multus_is_known_by_its_name_or_its_image() {
        for (name, image, pods, words) in [
            ("kube-multus-ds", "x", 3, "for 3 nodes"),
            ("kube-multus-ds-amd64", "x", 0, "without pods"),
            (
                "other",
                "ghcr.io/k8snetworkplumbingwg/multus-cni:v4",
                1,
                "kube-system/other",
            ),
        ] {
            let finding = judge(&[daemon_set(name, image, pods)], &[], &[]);
            assert_eq!(finding.verdict, Verdict::Warn);
            assert!(finding.found.contains(words), "{finding:?}");
            assert!(
                finding.mend[0].ends_with(&format!("delete daemonset {name}")),
                "{finding:?}"
            );
        }
        let ours = judge(
            &[daemon_set(
                "polypod-device-bridge",
                "polypod-device-bridge:0.1.0",
                3,
            )],
            &[],
            &[],
        );
        assert_eq!(ours.verdict, Verdict::Ok, "{ours:?}");
    }

    #[test]
    fn the_injector_is_known_by_any_of_its_names() {
        let configuration = |name: &str, hook: &str, service: &str| {
            json!({"kind": "MutatingWebhookConfiguration", "metadata": {"name": name},
                "webhooks": [{"name": hook, "clientConfig": {"service": {"name": service}}}]})
        };
        for of_it in [
            configuration("network-resources-injector-mutating-config", "a", "b"),
            configuration("a", "network-resources-injector-config.k8s.io", "b"),
            configuration("a", "b", "network-resources-injector-service"),
        ] {
            let finding = judge(&[], &[], &[of_it]);
            assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
            assert!(
                finding.mend[0].starts_with("kubectl delete mutatingwebhookconfiguration "),
                "{finding:?}"
            );
        }
        assert_eq!(
            judge(
                &[],
                &[],
                &[configuration(
                    "polypod",
                    "mutate.polypod.dev",
                    "polypod-webhook"
                )]
            )
            .verdict,
            Verdict::Ok
        );
        let mut deployment = daemon_set("network-resources-injector", "x", 1);
        deployment["kind"] = "Deployment".into();
        let finding = judge(&[], &[deployment], &[]);
        assert!(
            finding.mend[0].ends_with("delete deployment network-resources-injector"),
            "{finding:?}"
        );
    }

    #[test]
    fn what_could_not_be_seen_is_not_said_to_be_gone() {
        let forbidden = unseen("daemonsets");
        let finding = judged(&Seen {
            daemon_sets: (&[], Some(&forbidden)),
            configurations: (&[], vec![&forbidden]),
            bindings: (&[], Some(&forbidden)),
            ..nothing()
        });
        assert_eq!(finding.verdict, Verdict::Unknown);
    }
}
