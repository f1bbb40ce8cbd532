//! The identities of a node, with `manifests/install.yaml` applied: what they are, how long they live, what they may write.

mod allowed;
mod owner;
mod renewed;
mod resolver;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::manifests::installed::{Installed, SYSTEM};
use crate::{fixture::needs::Need, scenario::Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "cluster::what_a_nodes_identities_may_write",
            needs: &[Need::ControlPlane],
            body: allowed::what_a_nodes_identities_may_write,
        },
        Scenario {
            name: "cluster::a_report_gets_another_owner_on_openshift",
            needs: &[Need::ControlPlane],
            body: owner::a_report_gets_another_owner_on_openshift,
        },
        Scenario {
            name: "cluster::the_plugins_token_is_bound_and_renewed",
            needs: &[Need::ControlPlane],
            body: renewed::the_plugins_token_is_bound_and_renewed,
        },
        Scenario {
            name: "cluster::the_resolver_has_the_plugins_own_token",
            needs: &[
                Need::ControlPlane,
                Need::Namespaces,
                Need::Ip,
                Need::Plugins(&["bridge", "host-local"]),
            ],
            body: resolver::the_resolver_has_the_plugins_own_token,
        },
    ]
}

const AGENT: &str = "polypod-device-bridge";
const PLUGIN: &str = "polypod-plugin";

/// A cluster with the nodes `node-1` and `node-2`, and the agent's pod on the first.
struct Cluster {
    installed: Installed,
    /// The agent's pod.
    agent: Value,
}

impl Cluster {
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more flags of the API server.
    fn start_with(flags: &[&str]) -> Self {
        let installed = Installed::start(flags);
        for node in ["node-1", "node-2"] {
            create_node(&installed, node);
        }
        let agent = create_pod(&installed, SYSTEM, "agent-1", Some("node-1"));
        let cluster = Self { installed, agent };
        cluster.wait_for_policies();
        cluster
    }

    /// A token as the kubelet mounts it into the agent's pod: it names the pod and its node.
    fn agent_token(&self) -> String {
        self.installed
            .plane
            .token_of(SYSTEM, AGENT, Some(&self.agent))
    }

    /// The folder that the kubelet mounts.
    fn write_service_account(&self, folder: &Path) {
        self.installed.plane.write_service_account(folder);
        let files = [
            ("token", self.agent_token()),
            ("namespace", SYSTEM.to_owned()),
        ];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).expect("the test's folder can be written");
        }
    }

    /// Asks as whoever has the token; gives the status and what is said.
    fn ask(&self, token: &str, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
        let content_type = match method {
            "PATCH" if path.contains("fieldManager=") => "application/apply-patch+yaml",
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let plane = &self.installed.plane;
        let reply = plane.ask_with_token(token, content_type, method, path, body);
        let said = reply.body["message"].as_str().unwrap_or_default();
        (reply.status, said.to_owned(), reply.body)
    }

    /// Who the API server takes the bearer for; `None` where it takes it for nobody.
    fn who(&self, token: &str) -> Option<Value> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let (status, said, body) = self.ask(token, "POST", path, &review);
        match status {
            201 => Some(body["status"]["userInfo"].clone()),
            401 => None,
            _ => panic!("{status}: {said}"),
        }
    }

    /// The API server takes notice of policies some time after it has them.
    fn wait_for_policies(&self) {
        let token = self.installed.plane.token_of(SYSTEM, AGENT, None);
        let requests = [
            (
                "PATCH",
                format!("/api/v1/namespaces/{SYSTEM}/pods/agent-1/status"),
                json!({}),
            ),
            (
                "POST",
                "/api/v1/namespaces/default/events".to_owned(),
                event(&json!({})),
            ),
            (
                "PATCH",
                report("noderesourcetopologies", "node-1"),
                topology("node-1"),
            ),
            ("POST", token_path(PLUGIN), token_request(&Value::Null, 600)),
        ];
        for (method, path, body) in requests {
            let path = dry(&path);
            until(&path, || {
                let (_, said, _) = self.ask(&token, method, &path, &body);
                said.contains("this token names no node").then_some(())
            });
        }
    }
}

fn until<T>(what: &str, found: impl Fn() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "it did not come about: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn create_node(installed: &Installed, name: &str) {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
    let reply = installed.plane.ask("POST", "/api/v1/nodes", &node);
    assert_eq!(reply.status, 201, "{}", reply.body);
}

fn create_pod(installed: &Installed, namespace: &str, name: &str, node: Option<&str>) -> Value {
    let account = if namespace == SYSTEM {
        AGENT
    } else {
        "default"
    };
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"a": "b"}, "annotations": {"x": "y", "k8s.v1.cni.cncf.io/networks": "second"}},
        "spec": {"nodeName": node, "serviceAccountName": account, "containers": [{"name": "app", "image": "busybox"}]}});
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    until(name, || {
        let reply = installed.plane.ask("POST", &path, &pod);
        // The API server makes the namespace `default` by itself, some time after its start.
        assert!(matches!(reply.status, 201 | 404), "{}", reply.body);
        (reply.status == 201).then_some(reply.body)
    })
}

/// As far as the answer, and no farther.
fn dry(path: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}dryRun=All")
}

fn token_path(account: &str) -> String {
    format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts/{account}/token")
}

fn token_request(bound_to: &Value, seconds: u32) -> Value {
    json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"expirationSeconds": seconds, "boundObjectRef": bound_to}})
}

/// The same, for whom.
fn token_request_for(audiences: &Value, bound_to: &Value) -> Value {
    let mut request = token_request(bound_to, 600);
    request["spec"]["audiences"] = audiences.clone();
    request
}

fn node_reference(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "name": name})
}

/// An Event about p1, with these fields in the place of its own.
fn event(fields: &Value) -> Value {
    let mut event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "p1"},
        "type": "Normal", "reason": "AddedInterface", "message": "m", "count": 1,
        "source": {"component": "multus"}, "reportingComponent": "multus", "reportingInstance": ""});
    if let (Value::Object(event), Value::Object(fields)) = (&mut event, fields) {
        event.extend(fields.clone());
    }
    event
}

fn report(plural: &str, node: &str) -> String {
    let version = match plural {
        "nodeinventories" => "polypod.dev/v1alpha1",
        _ => "topology.node.k8s.io/v1alpha2",
    };
    format!("/apis/{version}/{plural}/{node}?fieldManager=test")
}

fn topology(node: &str) -> Value {
    json!({"apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology",
        "metadata": {"name": node}, "topologyPolicies": [], "zones": []})
}

fn inventory(node: &str) -> Value {
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": node},
        "epoch": 1, "sequence": 1, "topologyManager": {"policy": "none", "scope": "container"}})
}
