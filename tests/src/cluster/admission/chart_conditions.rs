//! What the chart's values say of whom the hooks are asked about, as an API server carries it out. Nobody answers the hooks,
//! which are to fail then: so a pod that is refused is one that they were asked about.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{CONFIGURATIONS, PODS};
use crate::{fixture::control_plane::ControlPlane, manifests::chart::chart};

const MUTATING: &str = "mutate.polypod.dev";
const VALIDATING: &str = "validate.polypod.dev";

pub(super) fn whom_the_hooks_are_asked_about() {
    let plane = ControlPlane::start();
    let objects = chart(&[
        "--set=webhook.matchConditions.labels={example.com/tuned,fast}",
        "--set=webhook.matchConditions.resourcePrefixes={intel.com/,example.com/gpu}",
        r#"--set-json=webhook.policy={"injection":{"userDefined":[{"label":"example.com/own","annotations":{"a":"b"}}]}}"#,
        "--set=webhook.failurePolicy.mutatePods=Fail",
    ]);
    let networks = json!({"annotations": {"k8s.v1.cni.cncf.io/networks": "a"}});
    let label = |name: &str| json!({"labels": {name: "true"}});
    let limits =
        |name: &str| json!([{"name": "c", "image": "i", "resources": {"limits": {name: "1"}}}]);
    let plain = json!([{"name": "c", "image": "i"}]);
    let of = |metadata: &Value, containers: &Value| json!({"metadata": metadata, "spec": {"containers": containers}});
    let in_init = |resource: &str| json!({"metadata": {}, "spec": {"containers": plain, "initContainers": [{"name": "i", "image": "i", "resources": {"limits": {resource: "1"}}}]}});
    // Whether the mutating hook is asked, and the validating one.
    let rows = [
        (of(&networks, &plain), true, true),
        (of(&label("example.com/tuned"), &plain), true, true),
        (of(&label("fast"), &plain), true, true),
        (of(&label("example.com/own"), &plain), true, true),
        (of(&label("example.com/other"), &plain), false, false),
        (of(&json!({}), &plain), false, false),
        (
            of(&json!({"annotations": {"x": "y"}}), &plain),
            false,
            false,
        ),
        (of(&json!({}), &limits("intel.com/sriov")), true, false),
        (of(&json!({}), &limits("example.com/gpu-a")), true, false),
        (of(&json!({}), &limits("example.com/fpga")), false, false),
        (of(&json!({}), &limits("memory")), false, false),
        (in_init("intel.com/sriov"), true, false),
        (in_init("cpu"), false, false),
        // The second condition holds beside the first: nobody is asked about images of static pods.
        (
            json!({"metadata": {"labels": {"fast": "true"}, "annotations": {"kubernetes.io/config.mirror": "x"}},
                "spec": {"nodeName": "n", "containers": plain}}),
            false,
            false,
        ),
    ];
    for (kind, plural, hook) in [
        (
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
            MUTATING,
        ),
        (
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
            VALIDATING,
        ),
    ] {
        let mut configuration = objects
            .iter()
            .find(|object| object["kind"] == kind)
            .expect("the chart has it")
            .clone();
        for hook in configuration["webhooks"]
            .as_array_mut()
            .expect("it has hooks")
        {
            hook["clientConfig"] = json!({"url": "https://127.0.0.1:1/nobody"});
        }
        let path = format!("{CONFIGURATIONS}/{plural}");
        plane.ask("POST", &path, &configuration).is_created();
        let is_asked = |pod: &Value| is_asked_about(&plane, hook, pod);
        // The API server reads configurations by watching.
        let end = Instant::now() + Duration::from_secs(60);
        while !is_asked(&rows[0].0) {
            assert!(Instant::now() < end, "{hook} is not called");
            std::thread::sleep(Duration::from_millis(100));
        }
        for (pod, mutating, validating) in &rows {
            let wanted = if hook == MUTATING {
                *mutating
            } else {
                *validating
            };
            assert_eq!(is_asked(pod), wanted, "{hook}: {pod}");
        }
        let path = format!("{path}/polypod");
        assert_eq!(plane.ask("DELETE", &path, &Value::Null).status, 200);
        let end = Instant::now() + Duration::from_secs(60);
        while is_asked(&rows[0].0) {
            assert!(Instant::now() < end, "{hook} is called still");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// The API server's answer to the pod, as far as the hook is concerned.
fn is_asked_about(plane: &ControlPlane, hook: &str, pod: &Value) -> bool {
    let mut pod = pod.clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("p");
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let reply = plane.ask("POST", &format!("{PODS}?dryRun=All"), &pod);
        let said = reply.body["message"].as_str().unwrap_or_default();
        match reply.status {
            201 => return false,
            500 if said.contains("failed calling webhook") && said.contains(hook) => return true,
            // The namespace `default` is made by the API server itself, some time after its start.
            404 if Instant::now() < end => std::thread::sleep(Duration::from_millis(100)),
            status => panic!("{status}: {said}: {pod}"),
        }
    }
}
