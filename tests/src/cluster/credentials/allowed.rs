//! A table: which identity of a node may ask for what, and who refuses it: its role, or a policy.

use serde_json::{Value, json};

use super::{
    AGENT, Cluster, PLUGIN, SYSTEM, create_pod, dry, event, inventory, node_reference, report,
    token_path, token_request, token_request_for, topology, until,
};

/// What comes of a request.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// It is carried out, or would be.
    Taken,
    /// The role does not allow it.
    Role,
    /// A policy denies it, in these words.
    Policy(&'static str),
}

use Expected::{Policy, Role, Taken};

const STATUS: &str = "k8s.v1.cni.cncf.io/network-status";
const TIMES: &str = "polypod.dev/attachments";
const POD: &str = "/api/v1/namespaces/default/pods/p1";
const OTHER_POD: &str = "/api/v1/namespaces/default/pods/p2";
const WAITING_POD: &str = "/api/v1/namespaces/default/pods/p3";
const EVENTS: &str = "/api/v1/namespaces/default/events";

pub(super) fn what_a_nodes_identities_may_write() {
    let cluster = Cluster::start();
    let plane = &cluster.installed.plane;
    for (name, node) in [("p1", Some("node-1")), ("p2", Some("node-2")), ("p3", None)] {
        create_pod(&cluster.installed, "default", name, node);
    }
    let stored = event(&json!({"metadata": {"name": "stored", "namespace": "default"}}));
    assert_eq!(plane.ask("POST", EVENTS, &stored).status, 201);

    let agent = cluster.agent_token();
    let bound = token_request(&node_reference("node-1"), 600);
    let (status, said, given) = cluster.ask(&agent, "POST", &token_path(PLUGIN), &bound);
    assert_eq!(status, 201, "{said}");
    let plugin = given["status"]["token"].as_str().expect("it is given");
    for token in [agent.as_str(), plugin] {
        both(&cluster, token);
    }
    of_the_agent(&cluster, &agent);
    the_audiences_that_the_operator_lists(&cluster, &agent);
    of_the_plugin(&cluster, plugin);
    without_a_node(&cluster);
    whatever_the_role_allows(&cluster, &agent);
}

fn judge(cluster: &Cluster, token: &str, rows: &[(&str, &str, Value, Expected)]) {
    for (method, path, body, expected) in rows {
        let url = if *method == "GET" {
            (*path).to_owned()
        } else {
            dry(path)
        };
        let (status, said, _) = cluster.ask(token, method, &url, body);
        let is_of_policy = said.contains("ValidatingAdmissionPolicy");
        let is_expected = match expected {
            Taken => matches!(status, 200 | 201),
            Role => status == 403 && !is_of_policy,
            Policy(words) => status == 403 && is_of_policy && said.contains(words),
        };
        assert!(
            is_expected,
            "{method} {path} {body}: wanted {expected:?}, got {status} {said}"
        );
    }
}

fn status_of(node: &str) -> String {
    format!("/apis/polypod.dev/v1alpha1/nodeinventories/{node}/status")
}

fn annotated(annotations: &Value) -> Value {
    json!({"metadata": {"annotations": annotations}})
}

fn both(cluster: &Cluster, token: &str) {
    let own = format!("{POD}/status");
    let [other, waiting] = [OTHER_POD, WAITING_POD].map(|pod| format!("{pod}/status"));
    let published = annotated(&json!({STATUS: "[]"}));
    let only = Policy("only k8s.v1.cni.cncf.io/network-status");
    let rest = Policy("labels, finalizers, owners, spec and status stay");
    let count = format!("{EVENTS}/stored");
    let pod = |kind: &str, namespace: &str| json!({"involvedObject": {"apiVersion": "v1", "kind": kind, "namespace": namespace, "name": "p1"}});
    let source =
        |component: &str, host: &str| json!({"source": {"component": component, "host": host}});
    let words = Policy("component multus");
    let stays = Policy("its words stay");
    let rows = [
        ("PATCH", own.as_str(), published.clone(), Taken),
        (
            "PATCH",
            &own,
            annotated(&json!({STATUS: "[]", TIMES: "{}"})),
            Taken,
        ),
        // A report without times takes away what was known of an earlier sandbox.
        ("PATCH", &own, annotated(&json!({TIMES: null})), Taken),
        (
            "PATCH",
            &own,
            annotated(&json!({TIMES: "{}", "polypod.dev/attachments2": "{}"})),
            only,
        ),
        (
            "PATCH",
            &other,
            published.clone(),
            Policy("default/p2 is on node 'node-2', and the token is one of node 'node-1'"),
        ),
        (
            "PATCH",
            &waiting,
            published.clone(),
            Policy("is on node ''"),
        ),
        (
            "PATCH",
            &own,
            annotated(&json!({STATUS: "[]", "z": "1"})),
            only,
        ),
        (
            "PATCH",
            &own,
            annotated(&json!({STATUS: "[]", "k8s.v1.cni.cncf.io/networks": "other"})),
            only,
        ),
        ("PATCH", &own, annotated(&json!({"x": null})), only),
        (
            "PATCH",
            &own,
            json!({"metadata": {"labels": {"a": "c"}}}),
            rest,
        ),
        ("PATCH", &own, json!({"metadata": {"labels": null}}), rest),
        (
            "PATCH",
            &own,
            json!({"metadata": {"finalizers": ["a/b"]}}),
            rest,
        ),
        (
            "PATCH",
            &own,
            json!({"status": {"podIP": "10.0.0.1"}}),
            rest,
        ),
        ("PATCH", POD, published, Role),
        (
            "PATCH",
            POD,
            json!({"metadata": {"labels": {"a": "c"}}}),
            Role,
        ),
        ("DELETE", POD, Value::Null, Role),
        ("POST", EVENTS, event(&json!({})), Taken),
        ("POST", EVENTS, event(&source("multus", "node-1")), Taken),
        ("POST", EVENTS, event(&source("multus", "node-2")), words),
        ("POST", EVENTS, event(&source("kubelet", "")), words),
        (
            "POST",
            EVENTS,
            event(&json!({"reportingInstance": "node-2"})),
            words,
        ),
        (
            "POST",
            EVENTS,
            event(&json!({"reportingComponent": "kubelet"})),
            words,
        ),
        (
            "POST",
            EVENTS,
            event(&json!({"reportingComponent": ""})),
            Taken,
        ),
        (
            "POST",
            EVENTS,
            event(&pod("Node", "default")),
            Policy("about a pod"),
        ),
        // As the agent counts.
        (
            "PATCH",
            &count,
            json!({"lastTimestamp": "2026-01-01T00:00:00Z"}),
            Taken,
        ),
        ("PATCH", &count, json!({"count": 2}), Taken),
        ("PATCH", &count, json!({"message": "another"}), stays),
        ("PATCH", &count, json!({"type": "Warning"}), stays),
        ("PATCH", &count, json!({"action": "Killing"}), stays),
        ("PATCH", &count, json!({"reportingComponent": ""}), stays),
        (
            "PATCH",
            &count,
            json!({"reportingComponent": "kubelet"}),
            words,
        ),
        (
            "PATCH",
            &count,
            json!({"reportingInstance": "node-1"}),
            stays,
        ),
        (
            "PATCH",
            &count,
            json!({"related": {"apiVersion": "v1", "kind": "Pod", "name": "p2"}}),
            stays,
        ),
        ("DELETE", &count, Value::Null, Role),
        // What a policy cannot hold back: reading.
        ("GET", OTHER_POD, Value::Null, Taken),
        (
            "GET",
            "/api/v1/namespaces/default/secrets",
            Value::Null,
            Role,
        ),
        (
            "GET",
            "/api/v1/namespaces/default/configmaps",
            Value::Null,
            Role,
        ),
    ];
    judge(cluster, token, &rows);
}

fn of_the_agent(cluster: &Cluster, token: &str) {
    let reports = ["nodeinventories", "noderesourcetopologies"];
    let [inventories, topologies] = reports.map(|plural| report(plural, "node-1"));
    let [other_inventory, other_topology] = reports.map(|plural| report(plural, "node-2"));
    let another = Policy("the report of node 'node-2', and the token is one of node 'node-1'");
    let (plugin, agent) = (token_path(PLUGIN), token_path(AGENT));
    let own = node_reference("node-1");
    let bound = Policy("must be bound to Node 'node-1'");
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "name": "agent-1"});
    let long = Policy("for a day at most");
    let alone = Policy("for the API server alone");
    let audiences = |audiences: Value| token_request_for(&audiences, &own);
    let default = default_audience(cluster, token);
    for node in ["node-1", "node-2"] {
        let all = "/apis/polypod.dev/v1alpha1/nodeinventories";
        let made = cluster.installed.plane.ask("POST", all, &inventory(node));
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let [status, other_status] = ["node-1", "node-2"].map(status_of);
    let well = json!({"status": {"agentVersion": "0.1.0"}});
    let rows = [
        ("PATCH", status.as_str(), well.clone(), Taken),
        ("PATCH", &other_status, well, another),
        ("PUT", &status, inventory("node-1"), Role),
        ("GET", &status, Value::Null, Role),
        ("PATCH", inventories.as_str(), inventory("node-1"), Taken),
        ("PATCH", &topologies, topology("node-1"), Taken),
        ("PATCH", &other_inventory, inventory("node-2"), another),
        ("PATCH", &other_topology, topology("node-2"), another),
        ("POST", &plugin, token_request(&own, 86_400), Taken),
        (
            "POST",
            &plugin,
            token_request(&node_reference("node-2"), 600),
            bound,
        ),
        ("POST", &plugin, token_request(&Value::Null, 600), bound),
        ("POST", &plugin, token_request(&pod, 600), bound),
        ("POST", &plugin, token_request(&own, 86_401), long),
        ("POST", &plugin, token_request(&own, 3607), long),
        ("POST", &plugin, audiences(json!([])), Taken),
        ("POST", &plugin, audiences(json!([default])), Taken),
        ("POST", &plugin, audiences(json!(["vault"])), alone),
        ("POST", &plugin, audiences(json!([default, "vault"])), alone),
        (
            "POST",
            &plugin,
            audiences(json!(["sts.amazonaws.com"])),
            alone,
        ),
        ("POST", &agent, token_request(&own, 600), Role),
        ("GET", "/api/v1/pods", Value::Null, Taken),
        ("GET", "/api/v1/nodes", Value::Null, Role),
    ];
    judge(cluster, token, &rows);
}

/// What the API server writes where nobody asks for an audience.
fn default_audience(cluster: &Cluster, token: &str) -> String {
    let request = token_request(&node_reference("node-1"), 600);
    let (status, said, given) = cluster.ask(token, "POST", &token_path(PLUGIN), &request);
    assert_eq!(status, 201, "{said}");
    let audience = given["spec"]["audiences"][0].as_str();
    audience.expect("there is one").to_owned()
}

/// With the annotation these and no others, whatever they look like.
fn the_audiences_that_the_operator_lists(cluster: &Cluster, token: &str) {
    let (plane, path) = (&cluster.installed.plane, token_path(PLUGIN));
    let namespace = format!("/api/v1/namespaces/{SYSTEM}");
    let list = |list: Value| {
        let body = annotated(&json!({"polypod.dev/api-audiences": list}));
        let admin = plane.ask_in("application/merge-patch+json", "PATCH", &namespace, &body);
        assert_eq!(admin.status, 200, "{}", admin.body);
    };
    let default = default_audience(cluster, token);
    let asking = |audiences: Value| token_request_for(&audiences, &node_reference("node-1"));
    let alone = Policy("list the API server's own in the annotation");
    list(json!(format!("{default} , second")));
    // The API server reads namespaces by watching, too.
    until("the annotation", || {
        let body = asking(json!(["second"]));
        let (status, ..) = cluster.ask(token, "POST", &dry(&path), &body);
        (status == 201).then_some(())
    });
    let rows = [
        ("POST", path.as_str(), asking(json!([])), Taken),
        ("POST", &path, asking(json!([default, "second"])), Taken),
        (
            "POST",
            &path,
            asking(json!(["https://other.example"])),
            alone,
        ),
        ("POST", &path, asking(json!(["api"])), alone),
    ];
    judge(cluster, token, &rows);
    // Nobody of a node may list another.
    let own = annotated(&json!({"polypod.dev/api-audiences": "vault"}));
    judge(cluster, token, &[("PATCH", &namespace, own, Role)]);
    list(Value::Null);
    until("the annotation's end", || {
        let body = asking(json!(["second"]));
        let (status, ..) = cluster.ask(token, "POST", &dry(&path), &body);
        (status == 403).then_some(())
    });
}

fn of_the_plugin(cluster: &Cluster, token: &str) {
    let (inventories, plugin) = (report("nodeinventories", "node-1"), token_path(PLUGIN));
    let well = json!({"status": {"agentVersion": "0.1.0"}});
    let status = status_of("node-1");
    let own = token_request(&node_reference("node-1"), 600);
    let networks = "/apis/k8s.cni.cncf.io/v1/network-attachment-definitions";
    let rows = [
        ("PATCH", inventories.as_str(), inventory("node-1"), Role),
        ("PATCH", &status, well, Role),
        ("POST", &plugin, own, Role),
        ("GET", "/api/v1/pods", Value::Null, Role),
        ("GET", "/api/v1/nodes/node-1", Value::Null, Role),
        ("GET", networks, Value::Null, Role),
        (
            "GET",
            "/apis/resource.k8s.io/v1/resourceslices",
            Value::Null,
            Taken,
        ),
    ];
    judge(cluster, token, &rows);
}

/// As from a Secret, or of an API server that is too old.
fn without_a_node(cluster: &Cluster) {
    let none = Policy("this token names no node");
    for account in [AGENT, PLUGIN] {
        let token = cluster.installed.plane.token_of(SYSTEM, account, None);
        let own = format!("{POD}/status");
        let rows = [
            (
                "PATCH",
                own.as_str(),
                annotated(&json!({STATUS: "[]"})),
                none,
            ),
            ("POST", EVENTS, event(&json!({})), none),
        ];
        judge(cluster, &token, &rows);
    }
}

/// A role that allows everything does not lift the policies; and they are nobody else's.
fn whatever_the_role_allows(cluster: &Cluster, agent: &str) {
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": AGENT, "namespace": SYSTEM},
            {"kind": "ServiceAccount", "name": "default", "namespace": SYSTEM}]});
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    let plane = &cluster.installed.plane;
    assert_eq!(plane.ask("POST", path, &binding).status, 201);
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    let path = format!("/api/v1/namespaces/{SYSTEM}/serviceaccounts");
    assert!(matches!(
        plane.ask("POST", &path, &account).status,
        201 | 409
    ));
    let other = plane.token_of(SYSTEM, "default", None);
    for token in [agent, &other] {
        until("the role", || {
            let (status, ..) = cluster.ask(token, "GET", "/api/v1/nodes", &Value::Null);
            (status == 200).then_some(())
        });
    }
    let relabelled = json!({"metadata": {"labels": {"a": "c"}}});
    let only = Policy("of pods only pods/status is written");
    let evicted = format!("{POD}/eviction");
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p1", "namespace": "default"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "new"},
        "spec": {"containers": [{"name": "app", "image": "busybox"}]}});
    let accounts = Policy("of service accounts nothing is written but tokens of polypod-plugin");
    let mine = token_path(AGENT);
    let stored = format!("{EVENTS}/stored");
    let rows = [
        ("PATCH", POD, relabelled.clone(), only),
        ("DELETE", POD, Value::Null, only),
        ("POST", &evicted, eviction, only),
        ("POST", "/api/v1/namespaces/default/pods", pod, only),
        (
            "POST",
            &mine,
            token_request(&node_reference("node-1"), 600),
            accounts,
        ),
        (
            "POST",
            &path,
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "new"}}),
            accounts,
        ),
        ("DELETE", &stored, Value::Null, Policy("not deleted")),
    ];
    judge(cluster, agent, &rows);
    judge(cluster, &other, &[("PATCH", POD, relabelled, Taken)]);
}
