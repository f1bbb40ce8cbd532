//! The static policies in a real kube-apiserver: they deny only what admission denies, and what they are there for.

mod cases;

use std::collections::BTreeSet;

use admission::{
    Cluster, NetworkIndex, Policy, StaticPolicy, patched,
    permissions::{UseAnswer, UseQuestion},
    static_policies,
};
use api::objects;
use hyper::Request;
use k8s_openapi::{
    api::{
        admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
        core::v1::Namespace,
        rbac::v1::{Role, RoleBinding},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, ValidationDirective},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use spec::network::{DEFAULT_NETWORK, NETWORKS};

use cases::{Case, access, case, relaxed, syntax};

use super::{apply_crd, create, value, wait_for};
use crate::fixture::control_plane::ControlPlane;

pub(super) fn deny_only_what_admission_denies() {
    let plane = ControlPlane::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(tell(&plane));
}

const NETWORK_NAMES: [&str; 7] = [
    "default/foo",
    "default/bar",
    "shared/foo",
    "shared/bar",
    "team/foo",
    "lab/foo",
    "kube-system/def",
];

/// The namespaces and their label `stage`.
const STAGES: [(&str, &str); 4] = [
    ("team", "test"),
    ("other", "live"),
    ("shared", "live"),
    ("lab", "live"),
];

/// A cluster that has every network, so that what is denied is denied for the annotation's sake. Of namespaces and
/// permissions it knows what the API server knows.
fn cluster() -> Cluster {
    let networks = NETWORK_NAMES.map(|name| {
        let (namespace, name) = name.split_once('/').expect("it has a namespace");
        json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name, "namespace": namespace}, "spec": {"config": "{\"type\": \"macvlan\"}"}})
    });
    let text = json!({"apiVersion": "v1", "kind": "List", "items": networks}).to_string();
    let objects = objects::parse(&text, "networks").expect("it is JSON");
    let networks = objects::networks(&objects, "default").expect("their names are names");
    let mut cluster = Cluster::from(networks.iter().cloned().collect::<NetworkIndex>());
    for (namespace, stage) in STAGES {
        let namespace: spec::network::Namespace = namespace.parse().expect("it is a namespace");
        for network in &networks {
            let network = &network.reference;
            let is_granted = namespace.as_str() == "team" && network.to_string() == "shared/foo";
            let answer = if is_granted {
                UseAnswer::Allowed
            } else {
                UseAnswer::Refused
            };
            let question = UseQuestion {
                namespace: namespace.clone(),
                service_account: "default".parse().expect("it is a name"),
                network: network.clone(),
            };
            cluster.permissions.insert(question, answer);
        }
        let labels = [("stage".to_owned(), stage.to_owned())].into();
        cluster.namespaces.insert(namespace, labels);
    }
    cluster
}

fn policy(fields: Value) -> Policy {
    serde_json::from_value(fields).expect("the test writes policies")
}

async fn tell(plane: &ControlPlane) {
    let client = plane.client().await;
    apply_crd(&client).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    for (name, stage) in STAGES {
        create(
            &namespaces,
            json!({"metadata": {"name": name, "labels": {"stage": stage}}}),
        )
        .await;
    }
    grant(&client).await;

    let default = policy(json!({}));
    apply(&client, &default, "first").await;
    for case in syntax() {
        judge(&client, &case, &default).await;
    }
    host_network_is_warned_of(&client).await;
    networks(&client).await;
    stored_pods_are_judged_when_their_networks_change(&client).await;

    let strict = json!({
        "namespaceIsolation": true, "globalNamespaces": ["shared"], "requireUse": true,
        "allowedNetworks": [
            {"namespaces": {"names": ["team"]}, "networks": ["shared/*"]},
            {"namespaces": {"selector": {"matchLabels": {"stage": "test"}}}, "networks": ["default/foo"]},
        ],
    });
    let strict = policy(json!({ "access": strict }));
    apply(&client, &strict, "second").await;
    for case in access() {
        judge(&client, &case, &strict).await;
    }

    let modes = json!([
        {"rules": ["annotation-syntax"], "namespaces": {"names": ["lab"]}, "mode": "warn"},
        {"rules": ["annotation-syntax"], "namespaces": {"selector": {"matchExpressions": [{"key": "stage", "operator": "In", "values": ["test"]}]}}, "mode": "monitor"},
        {"rules": ["definition-config"], "mode": "monitor"},
    ]);
    let relaxed_policy = policy(
        json!({"access": {"namespaceIsolation": true, "globalNamespaces": ["shared"]}, "modes": modes}),
    );
    apply(&client, &relaxed_policy, "third").await;
    for case in relaxed() {
        judge(&client, &case, &relaxed_policy).await;
    }
    let (_, warnings) = post(
        &client,
        "lab",
        "pods",
        &pod(&case("lab", "foo,,foo", false)),
    )
    .await;
    assert!(warnings.contains("remove the comma too many"), "{warnings}");
    let (_, warnings) = post(
        &client,
        "team",
        "pods",
        &pod(&case("team", "foo,,foo", false)),
    )
    .await;
    assert!(warnings.is_empty(), "{warnings}");
}

/// The verb `use` on shared/foo for the default service account of team.
async fn grant(client: &Client) {
    let roles: Api<Role> = Api::namespaced(client.clone(), "shared");
    create(
        &roles,
        json!({"metadata": {"name": "foo"}, "rules": [{"apiGroups": ["k8s.cni.cncf.io"],
            "resources": ["network-attachment-definitions"], "resourceNames": ["foo"], "verbs": ["use"]}]}),
    )
    .await;
    let bindings: Api<RoleBinding> = Api::namespaced(client.clone(), "shared");
    create(
        &bindings,
        json!({"metadata": {"name": "foo"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "foo"},
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "team"}]}),
    )
    .await;
}

fn pod(case: &Case) -> Value {
    let mut annotations = json!({NETWORKS: case.networks});
    if let Some(text) = case.default_network {
        annotations[DEFAULT_NETWORK] = json!(text);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "x"}]}})
}

fn admission_denies(case: &Case, policy: &Policy) -> bool {
    let namespace = case.namespace.parse().expect("it is a namespace");
    patched(pod(case), &namespace, &cluster(), policy).is_err()
}

/// Asks the API server about the pod: it denies it if the case says so, and then admission does too.
async fn judge(client: &Client, case: &Case, policy: &Policy) {
    let (denied, _) = post(client, case.namespace, "pods", &pod(case)).await;
    let shown: String = case.networks.chars().take(60).collect();
    assert_eq!(
        denied.is_some(),
        case.is_denied,
        "{}: {shown:?} {:?}: {denied:?}",
        case.namespace,
        case.default_network
    );
    assert!(
        denied.is_none() || admission_denies(case, policy),
        "only the static policy denies {}: {shown:?}",
        case.namespace
    );
}

/// Creates an object for the sake of the answer: why it is denied, if it is, and the warnings.
async fn post(
    client: &Client,
    namespace: &str,
    kind: &str,
    object: &Value,
) -> (Option<String>, String) {
    let group = match kind {
        "pods" | "configmaps" => "api/v1",
        _ => "apis/k8s.cni.cncf.io/v1",
    };
    let request = Request::post(format!("/{group}/namespaces/{namespace}/{kind}?dryRun=All"))
        .header("content-type", "application/json")
        .body(kube::client::Body::from(object.to_string().into_bytes()))
        .expect("it is a request");
    let response = client.send(request).await.expect("the API server answers");
    let warnings: Vec<String> = response
        .headers()
        .get_all("warning")
        .iter()
        .map(|warning| String::from_utf8_lossy(warning.as_bytes()).into_owned())
        .collect();
    let is_created = response.status().is_success();
    let status = response.status();
    let body = response
        .into_body()
        .collect_bytes()
        .await
        .expect("it answers to the end");
    let body = String::from_utf8_lossy(&body).into_owned();
    assert!(
        is_created || status == 422 && body.contains("ValidatingAdmissionPolicy"),
        "{status}: {body}"
    );
    ((!is_created).then_some(body), warnings.join("\n"))
}

async fn host_network_is_warned_of(client: &Client) {
    let mut object = pod(&case("default", "foo,,", false));
    object["spec"]["hostNetwork"] = json!(true);
    let (denied, warnings) = post(client, "default", "pods", &object).await;
    assert_eq!(denied, None);
    assert!(
        warnings.contains("uses the node's own network"),
        "{warnings}"
    );
    object["metadata"]["annotations"][NETWORKS] = json!(" ");
    assert_eq!(
        post(client, "default", "pods", &object).await,
        (None, String::new())
    );
}

async fn networks(client: &Client) {
    for (config, resource, is_denied) in [
        (json!("{\"type\": \"bridge\"}"), None, false),
        (json!(" \n{\"type\": \"bridge\"}\n"), Some("a.b/c"), false),
        (json!(""), None, false),
        (json!("{bad"), None, true),
        (json!("[]"), None, true),
        (json!("{\"type\": \"bridge\"}"), Some(" "), true),
    ] {
        let annotations = resource.map(|text| json!({"k8s.v1.cni.cncf.io/resourceName": text}));
        let object = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": "n", "annotations": annotations}, "spec": {"config": config}});
        let (denied, _) = post(client, "default", "network-attachment-definitions", &object).await;
        assert_eq!(
            denied.is_some(),
            is_denied,
            "{config} {resource:?}: {denied:?}"
        );
        let definition = serde_json::from_value(object).expect("it is one");
        let admitted =
            admission::admit_network(&definition, &Cluster::default(), &Policy::default());
        assert!(
            denied.is_none() || admitted.is_err(),
            "only the static policy denies {config}"
        );
    }
}

async fn stored_pods_are_judged_when_their_networks_change(client: &Client) {
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client.clone(), "default");
    create(&pods, pod(&case("default", "foo", false))).await;
    let patch = |metadata: Value| {
        let pods = pods.clone();
        async move {
            let patch = Patch::Merge(json!({ "metadata": metadata }));
            pods.patch("p", &PatchParams::default(), &patch).await
        }
    };
    patch(json!({"labels": {"a": "b"}}))
        .await
        .expect("a label is no network");
    let error = patch(json!({"annotations": {NETWORKS: "foo,"}}))
        .await
        .expect_err("the annotation is wrong");
    assert!(
        error.to_string().contains("remove the comma too many"),
        "{error}"
    );
    pods.delete("p", &DeleteParams::default().grace_period(0))
        .await
        .expect("it was just created");
}

/// Puts the static policies of `policy` in the place of others, and waits until they are in force.
async fn apply(client: &Client, policy: &Policy, marker: &str) {
    let excluded = BTreeSet::from(["kube-system".parse().expect("it is a namespace")]);
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(client.clone());
    let mut rendered = static_policies(policy, &excluded);
    for name in names(&bindings).await {
        bindings
            .delete(&name, &DeleteParams::default())
            .await
            .expect("it was just listed");
    }
    for name in names(&policies).await {
        policies
            .delete(&name, &DeleteParams::default())
            .await
            .expect("it was just listed");
    }
    // The API server takes notice of all of them in their order: when the last one is in force, so are the others.
    rendered.push(marker_policy(marker));
    for StaticPolicy { policy, .. } in &rendered {
        put(&policies, &policy.metadata, policy).await;
    }
    for StaticPolicy { binding, .. } in &rendered {
        put(&bindings, &binding.metadata, binding).await;
    }
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": marker}});
    wait_for(async || post(client, "default", "configmaps", &map).await.0).await;
}

fn marker_policy(name: &str) -> StaticPolicy {
    StaticPolicy {
        policy: value(json!({"metadata": {"name": name}, "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]},
            "validations": [{"expression": format!("object.metadata.name != \"{name}\"")}]}})),
        binding: value(
            json!({"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}),
        ),
    }
}

async fn names<K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug>(
    api: &Api<K>,
) -> Vec<String> {
    let list = api
        .list(&Default::default())
        .await
        .expect("they can be listed");
    list.items
        .into_iter()
        .filter_map(|item| item.meta().name.clone())
        .collect()
}

/// Server-side and strictly: a field that the API server does not know is an error.
async fn put<K: kube::Resource + Clone + DeserializeOwned + std::fmt::Debug + Serialize>(
    api: &Api<K>,
    metadata: &ObjectMeta,
    object: &K,
) {
    let params = PatchParams {
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::apply("polypod")
    };
    let name = metadata.name.as_deref().expect("it has a name");
    api.patch(name, &params, &Patch::Apply(object))
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"));
}
