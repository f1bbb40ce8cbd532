use api::objects;

use super::{
    super::{finding::Verdict, judgement::findings},
    *,
};

fn observed_of(objects: &[Value]) -> Observed {
    let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
    let objects = objects::parse(&texts.join("\n---\n"), "test").unwrap();
    let objects = Objects::of_files(objects, "default");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(observed(&objects, "polypod-system"))
}

fn verdict_of(observed: &Observed, check: &str) -> (Verdict, String) {
    let findings = findings(observed, "polypod-system");
    let finding = findings.into_iter().find(|one| one.check == check).unwrap();
    (finding.verdict, format!("{finding:?}"))
}

fn definition(custom: &Custom) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": custom.definition()},
        "spec": {"versions": [{"name": custom.version, "served": true, "subresources": {"status": {}}}]},
        "status": {"conditions": [{"type": "Established", "status": "True"}]}})
}

fn installation() -> Vec<Value> {
    let mut all: Vec<Value> = CUSTOM.iter().map(definition).collect();
    all.extend([
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
            "status": {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:00:00Z"}]}}),
        json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "n1"},
            "observedAt": "2026-01-01T00:01:00.000000Z", "epoch": 1, "sequence": 1,
            "status": {"agentVersion": "0.1.0", "conditions": [{"type": "KubeletAnswers", "status": "True",
                "reason": "Answers", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}),
        json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "polypod-device-bridge", "namespace": "polypod-system"},
            "spec": {"template": {"spec": {"containers": [{"args": ["serve"]}]}}}}),
    ]);
    all
}

#[test]
fn what_is_written_is_judged_and_who_answers_is_unknown() {
    let seen = observed_of(&installation());
    for (check, wanted, words) in [
        ("crds", Verdict::Ok, ""),
        // Judged as of the newest report, however long ago that was.
        ("bridges", Verdict::Ok, "all 1 node"),
        ("kubelets", Verdict::Ok, ""),
        ("webhook", Verdict::Unknown, "files tell what is written"),
        ("certificate", Verdict::Unknown, ""),
        ("extender", Verdict::Unknown, ""),
        ("leftovers", Verdict::Unknown, "clusterrolebindings"),
        ("clock", Verdict::Unknown, "files have no clock"),
    ] {
        let (verdict, text) = verdict_of(&seen, check);
        assert_eq!(verdict, wanted, "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_the_files_could_hold_and_do_not_is_not_there() {
    let mut all = installation();
    all[4]["observedAt"] = "2025-12-31T00:00:00.000000Z".into();
    all.push(json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "network-resources-injector-config"}}));
    all.push(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": "kube-system", "name": "multus-daemon-config"}}));
    all[0]["spec"]["versions"][0]["served"] = false.into();
    let seen = observed_of(&all);
    for (check, wanted, words) in [
        ("crds", Verdict::Fail, "no pod can select a network"),
        ("bridges", Verdict::Fail, "silent"),
        (
            "webhook",
            Verdict::Fail,
            "there is no MutatingWebhookConfiguration polypod",
        ),
        ("leftovers", Verdict::Warn, "multus-daemon-config"),
    ] {
        let (verdict, text) = verdict_of(&seen, check);
        assert_eq!(verdict, wanted, "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
}
