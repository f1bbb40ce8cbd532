//! The webhook as the API server calls it: HTTPS on loopback, with the CA it made itself.

use std::ffi::OsStr;

use serde_json::{Value, json};

use crate::{
    fixture::{
        binaries::workspace,
        daemon::Daemon,
        https::{client, patch, post, response, review},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "admission::devices_are_injected_and_the_result_is_valid",
            needs: &[],
            body: devices_are_injected_and_the_result_is_valid,
        },
        Scenario {
            name: "admission::what_the_plugin_could_not_do_is_denied",
            needs: &[],
            body: what_the_plugin_could_not_do_is_denied,
        },
        Scenario {
            name: "admission::render_says_what_the_server_says",
            needs: &[],
            body: render_says_what_the_server_says,
        },
        Scenario {
            name: "admission::only_its_own_ca_is_trusted",
            needs: &[],
            body: only_its_own_ca_is_trusted,
        },
        Scenario {
            name: "admission::requests_that_are_no_reviews",
            needs: &[],
            body: requests_that_are_no_reviews,
        },
        Scenario {
            name: "admission::health_and_metrics",
            needs: &[],
            body: health_and_metrics,
        },
    ]
}

/// A webhook that knows the networks of the examples.
struct Webhook {
    daemon: Daemon,
    folder: tempfile::TempDir,
    url: String,
    health: String,
}

impl Webhook {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(more: &[&OsStr]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let objects = workspace().join("manifests/examples");
        let ca = folder.path().join("ca.crt");
        let mut arguments: Vec<&OsStr> = vec![
            "--objects".as_ref(),
            objects.as_os_str(),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
            "--health-listen".as_ref(),
            "127.0.0.1:0".as_ref(),
            "--cert-out".as_ref(),
            ca.as_os_str(),
            "--shutdown-delay".as_ref(),
            "0s".as_ref(),
        ];
        arguments.extend(more);
        let daemon = Daemon::start("polypod-webhook", &arguments);
        let url = format!("https://{}", daemon.ready("serving https://"));
        let health = format!("http://{}", daemon.ready("health http://"));
        Self {
            daemon,
            folder,
            url,
            health,
        }
    }

    fn client(&self) -> ureq::Agent {
        client(&self.folder.path().join("ca.crt"))
    }

    fn mutate(&self, pod: &Value) -> Value {
        response(
            &self.client(),
            &format!("{}/mutate?timeout=10s", self.url),
            &review("Pod", pod),
        )
    }

    fn validate(&self, pod: &Value) -> Value {
        response(
            &self.client(),
            &format!("{}/validate?timeout=10s", self.url),
            &review("Pod", pod),
        )
    }
}

fn pod(networks: &str, resources: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p1", "annotations": {"k8s.v1.cni.cncf.io/networks": networks}},
        "spec": {"containers": [{"name": "app", "image": "busybox", "resources": resources}]},
    })
}

fn devices_are_injected_and_the_result_is_valid() {
    let webhook = Webhook::start();
    let mut object = pod("macvlan-conf, sriov-net-a, sriov-net-a", &json!({}));
    let answer = webhook.mutate(&object);
    assert_eq!(answer["allowed"], true, "{answer}");
    let operations: json_patch::Patch =
        serde_json::from_value(Value::Array(patch(&answer))).unwrap();
    json_patch::patch(&mut object, &operations).expect("the patch fits the object");
    let wanted = json!({"limits": {"intel.com/sriov": "2"}, "requests": {"intel.com/sriov": "2"}});
    assert_eq!(object["spec"]["containers"][0]["resources"], wanted);

    assert_eq!(webhook.validate(&object)["allowed"], true);
    assert_eq!(
        patch(&webhook.mutate(&object)),
        Vec::<Value>::new(),
        "a second call adds nothing"
    );
    let short = pod(
        "sriov-net-a,sriov-net-a",
        &json!({"limits": {"intel.com/sriov": "1"}, "requests": {"intel.com/sriov": "1"}}),
    );
    let denied = webhook.validate(&short);
    assert_eq!(
        denied["allowed"], false,
        "the validating hook recomputes the plan"
    );
    assert!(
        denied["status"]["message"]
            .as_str()
            .unwrap()
            .contains("needs 2 of intel.com/sriov"),
        "{denied}"
    );
    let plain = pod("macvlan-conf", &json!({}));
    assert_eq!(webhook.mutate(&plain).get("patch"), None);
    assert!(webhook.daemon.stop(), "SIGTERM ends it well");
}

fn what_the_plugin_could_not_do_is_denied() {
    let webhook = Webhook::start();
    for (networks, words) in [
        ("sriov-net-b", "did you mean sriov-net-a"),
        ("macvlan-conf,", "entry 2"),
        ("[null]", "entry 1"),
        ("[{}]", "\"name\""),
        ("{}", "must be a JSON array"),
        (
            r#"[{"name":"macvlan-conf","ips":["192.168.1.201"]}]"#,
            "capabilities",
        ),
        (
            r#"[{"name":"macvlan-conf","default-route":["0.0.0.0"]}]"#,
            "default-route",
        ),
        ("macvlan-conf@eth0", "eth0"),
        ("macvlan-conf@lo", "'lo'"),
    ] {
        for answer in [
            webhook.mutate(&pod(networks, &json!({}))),
            webhook.validate(&pod(networks, &json!({}))),
        ] {
            assert_eq!(answer["allowed"], false, "{networks}: {answer}");
            let message = answer["status"]["message"].as_str().unwrap();
            assert!(message.contains(words), "{networks}: {message}");
            assert!(
                !answer["status"]["details"]["causes"]
                    .as_array()
                    .unwrap()
                    .is_empty(),
                "{answer}"
            );
        }
    }
    for (config, words) in [
        ("{}", "'type'"),
        ("{\"plugins\":[]}", "/plugins"),
        ("null", "null"),
        ("{\"plugins\":[null]}", "/plugins/0"),
    ] {
        let object = json!({"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": {"name": "n"}, "spec": {"config": config}});
        let answer = response(
            &webhook.client(),
            &format!("{}/validate", webhook.url),
            &review("NetworkAttachmentDefinition", &object),
        );
        assert_eq!(answer["allowed"], false, "{config}: {answer}");
        assert!(
            answer["status"]["message"]
                .as_str()
                .unwrap()
                .contains(words),
            "{config}: {answer}"
        );
    }
}

/// What `render` prints is what the server answers: one decision, asked in two ways.
fn render_says_what_the_server_says() {
    let webhook = Webhook::start();
    let examples = workspace().join("manifests/examples");
    let rendered = std::process::Command::new(crate::fixture::binaries::path("kubectl-polypod"))
        .args(["render", "-o", "patch", "-f"])
        .arg(&examples)
        .output()
        .expect("kubectl-polypod can be executed");
    let rendered: Vec<Value> = String::from_utf8_lossy(&rendered.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a patch a line"))
        .collect();
    let objects = api::objects::read(&[examples]).expect("the examples are objects");
    let answered: Vec<Value> = objects
        .iter()
        .filter(|object| object.kind == "Pod")
        .map(|object| Value::Array(patch(&webhook.mutate(&object.value))))
        .collect();
    assert_eq!(rendered, answered);
    assert!(answered.len() > 2, "{} pods", answered.len());
}

fn only_its_own_ca_is_trusted() {
    let (one, other) = (Webhook::start(), Webhook::start());
    let error = one
        .client()
        .post(format!("{}/mutate", other.url))
        .send("{}")
        .expect_err("another CA is not trusted");
    assert!(
        error.to_string().to_lowercase().contains("certificate"),
        "{error}"
    );
}

fn requests_that_are_no_reviews() {
    let webhook = Webhook::start();
    let client = webhook.client();
    let url = format!("{}/mutate", webhook.url);
    let old = json!({"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request": {"uid": "u"}}).to_string();
    // One byte too many, and the last one: the server refuses at that byte and closes, so that a longer body would still be
    // on its way and its sender might find a broken pipe before it finds the answer.
    let large = "x".repeat((8 << 20) + 1);
    for (body, status) in [
        ("", 400),
        ("hello", 400),
        ("{}", 400),
        ("null", 400),
        ("[]", 400),
        (old.as_str(), 400),
        (large.as_str(), 413),
    ] {
        let (found, text) = post(&client, &url, body);
        assert_eq!(found, status, "{}: {text}", &body[..body.len().min(80)]);
        assert!(!text.is_empty(), "the answer says why");
    }
    // The server closes the connection on which it refused to read on; this is a new one.
    let client = webhook.client();
    let html = client
        .post(&url)
        .header("content-type", "text/html")
        .send("{}")
        .expect("it answers");
    assert_eq!(html.status().as_u16(), 415);
    assert_eq!(
        client
            .get(&url)
            .call()
            .expect("it answers")
            .status()
            .as_u16(),
        405
    );
}

fn health_and_metrics() {
    let metrics = metrics_of_a_webhook();
    for part in [
        "polypod_admission_decisions_total",
        "decision=\"allowed\"",
        "decision=\"denied\"",
        "_bucket",
    ] {
        assert!(metrics.contains(part), "{part}: {metrics}");
    }
}

/// What a webhook exposes that lets a pod pass, adds devices to one, denies one, and warns of one.
pub(crate) fn metrics_of_a_webhook() -> String {
    let rules = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(rules.path(), LENIENT).expect("the file is ours");
    let webhook = Webhook::start_with(&["--config".as_ref(), rules.path().as_os_str()]);
    webhook.mutate(&pod("sriov-net-a", &json!({})));
    webhook.validate(&pod("sriov-net-a", &json!({})));
    webhook.mutate(&pod("macvlan-conf", &json!({})));
    webhook.mutate(&pod("missing", &json!({})));
    let get = |path: &str| {
        let mut answer = ureq::get(format!("{}{path}", webhook.health))
            .call()
            .expect("it answers");
        answer.body_mut().read_to_string().expect("it is text")
    };
    get("/healthz");
    get("/readyz");
    get("/metrics")
}

/// A policy that only warns where devices are missing.
const LENIENT: &str = "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\nmodes: [{rules: [device-deficit], mode: warn}]\n";
