//! `kubectl-polypod doctor` against real API servers: one on which nothing is installed, one of a person without rights, ones
//! that do not answer, and one to which `install.yaml` was applied and whose webhook runs.

use std::{
    net::TcpListener,
    process::Output,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::manifests::installed::Installed;
use crate::fixture::{
    control_plane::{ControlPlane, free_ports},
    kubectl_polypod,
};

/// What it printed as JSON, and its exit code.
fn report(output: &Output) -> (Value, Option<i32>) {
    let error = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|problem| panic!("no JSON ({problem}): {error}"));
    (report, output.status.code())
}

fn doctor(kubeconfig: &std::path::Path, more: &[&str]) -> Output {
    let kubeconfig = kubeconfig.display().to_string();
    let own = ["--kubeconfig", &kubeconfig, "--request-timeout", "20s"];
    kubectl_polypod::run("doctor", &[&own[..], more].concat(), "")
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("it has checks");
    let found = checks.iter().find(|finding| finding["check"] == name);
    found.unwrap_or_else(|| panic!("there is no check {name}: {report}"))
}

fn verdict<'a>(report: &'a Value, name: &str) -> &'a str {
    check(report, name)["verdict"].as_str().expect("a word")
}

fn says(report: &Value, name: &str, words: &str) {
    let finding = check(report, name);
    assert!(finding.to_string().contains(words), "{words}: {finding}");
}

pub(super) fn what_doctor_says_of_a_bare_cluster() {
    let plane = ControlPlane::start();
    let output = doctor(&plane.kubeconfig(), &["-o", "json"]);
    let (report, code) = report(&output);
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(report["version"], 1);
    assert!(
        report["server"]
            .as_str()
            .is_some_and(|version| version.starts_with('v'))
    );
    for (name, wanted, words) in [
        ("crds", "fail", "no pod can select a network"),
        (
            "webhook",
            "fail",
            "kubectl apply --server-side -k manifests/base",
        ),
        ("certificate", "fail", "no Secret polypod-webhook"),
        ("bridges", "fail", "no DaemonSet polypod-device-bridge"),
        ("leftovers", "ok", "nothing is left"),
        ("clock", "ok", "the clocks agree"),
    ] {
        assert_eq!(verdict(&report, name), wanted, "{report}");
        says(&report, name, words);
    }
    let table = doctor(&plane.kubeconfig(), &[]);
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert_eq!(table.status.code(), Some(1));
    assert!(
        text.starts_with("RESULT  CHECK") && text.contains("\nfail    webhook"),
        "{text}"
    );
    let yaml = doctor(&plane.kubeconfig(), &["-o", "yaml"]);
    let yaml: Value = serde_yaml_ng::from_slice(&yaml.stdout).expect("it prints YAML");
    assert_eq!(verdict(&yaml, "crds"), "fail");

    // A person who may nothing is told so, check by check; what everybody may see is seen.
    let nobody = plane.kubeconfig_as("system:serviceaccount:default:nobody");
    let (report, _) = self::report(&doctor(&nobody, &["-o", "json"]));
    assert_eq!(verdict(&report, "crds"), "fail", "{report}");
    assert_eq!(verdict(&report, "clock"), "ok", "{report}");
    for name in [
        "webhook",
        "certificate",
        "bridges",
        "kubelets",
        "configuration",
        "versions",
        "extender",
        "leftovers",
    ] {
        assert_eq!(verdict(&report, name), "unknown", "{report}");
        assert!(
            !check(&report, name)["mend"]
                .as_array()
                .is_none_or(Vec::is_empty),
            "{report}"
        );
    }
    says(&report, "webhook", "cannot create resource");
}

pub(super) fn api_servers_that_do_not_answer() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let kubeconfig = |name: &str, port: u16| {
        let file = folder.path().join(name);
        let text = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("https://127.0.0.1:{port}")}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]});
        std::fs::write(&file, text.to_string()).expect("the folder is ours");
        file
    };
    // Nobody listens on a port that was free a moment ago; on the other somebody does, and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let silent = listener.local_addr().expect("it has an address").port();
    let closed = {
        let other = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        other.local_addr().expect("it has an address").port()
    };
    for (name, port) in [("closed", closed), ("silent", silent)] {
        let kubeconfig = kubeconfig(name, port).display().to_string();
        let arguments = [
            "--kubeconfig",
            &kubeconfig,
            "--request-timeout",
            "1s",
            "-o",
            "json",
        ];
        let output = kubectl_polypod::run("doctor", &arguments, "");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&port.to_string()), "{error}");
        assert_eq!(output.stdout, b"");
    }
}

pub(super) fn what_doctor_says_of_an_installation() {
    let installed = Installed::start(&[]);
    let [port] = free_ports();
    let webhook = installed.webhook(&[&format!("--listen=127.0.0.1:{port}")]);
    webhook.ready("serving ");
    installed.register(port);
    installed.wait_for_registration();
    let kubeconfig = installed.plane.kubeconfig();
    let ask = |more: &[&str]| report(&doctor(&kubeconfig, &[&["-o", "json"], more].concat()));
    let created = |path: &str, object: &Value| {
        let reply = installed.plane.ask("POST", path, object);
        assert_eq!(reply.status, 201, "{}", reply.body);
    };
    let node = json!({"metadata": {"name": "n1", "labels": {"kubernetes.io/os": "linux"}}});
    created("/api/v1/nodes", &node);
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let reply = installed
        .plane
        .ask("PATCH", "/api/v1/nodes/n1/status", &ready);
    assert_eq!(reply.status, 200, "{}", reply.body);

    // API servers read configurations by watching; until this one has, nobody is asked.
    let until = Instant::now() + Duration::from_secs(60);
    let (report, code) = loop {
        let (report, code) = ask(&[]);
        if verdict(&report, "webhook") == "ok" || Instant::now() > until {
            break (report, code);
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    for name in ["crds", "webhook", "certificate", "leftovers", "clock"] {
        assert_eq!(verdict(&report, name), "ok", "{report}");
    }
    says(&report, "webhook", "denied the request");
    says(&report, "certificate", "caBundle of mutate.polypod.dev");
    says(&report, "extender", "off");
    // Nobody plays the kubelet: there is a node without an agent.
    assert_eq!(verdict(&report, "bridges"), "fail", "{report}");
    says(&report, "bridges", "no agent has reported from 1 node: n1");
    assert_eq!(code, Some(1));

    sees_as_much_by_its_roles(&installed, &report);

    // A namespace that the webhook does not judge proves nothing; it is said which to name.
    let (report, _) = ask(&["-n", "kube-system"]);
    assert_eq!(verdict(&report, "webhook"), "unknown", "{report}");

    // The webhook is gone.
    drop(webhook);
    let (report, code) = ask(&[]);
    assert_eq!(
        (verdict(&report, "webhook"), code),
        ("fail", Some(1)),
        "{report}"
    );
    says(&report, "webhook", "failed calling webhook");
    // Somebody else's CA.
    let path = installed.path_of(installed.object("ValidatingWebhookConfiguration", "polypod"));
    let mut found = installed.plane.ask("GET", &path, &Value::Null).body;
    let authority = certs::authority::Authority::generate(
        "another",
        time::OffsetDateTime::now_utc(),
        time::Duration::days(9),
    );
    let authority = authority.expect("an authority can be made");
    let bundle = STANDARD.encode(authority.pem());
    for hook in found["webhooks"].as_array_mut().expect("it has webhooks") {
        hook["clientConfig"]["caBundle"] = bundle.as_str().into();
    }
    let reply = installed.plane.ask("PUT", &path, &found);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let (report, _) = ask(&[]);
    assert_eq!(verdict(&report, "certificate"), "fail", "{report}");
    says(&report, "certificate", "does not trust the certificate");
}

/// Whoever is bound to the roles that come with it is told what `report` tells who may do everything, but for the Secret.
fn sees_as_much_by_its_roles(installed: &Installed, report: &Value) {
    const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
    for (path, kind, name) in [
        ("clusterrolebindings", "ClusterRole", "polypod-doctor"),
        (
            "namespaces/polypod-system/rolebindings",
            "Role",
            "polypod-doctor",
        ),
        (
            "namespaces/default/rolebindings",
            "ClusterRole",
            "polypod-doctor-trial",
        ),
    ] {
        let binding = json!({"metadata": {"name": "doctors"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "doctor", "namespace": "default"}]});
        let plane = &installed.plane;
        let reply = plane.ask("POST", &format!("{RBAC}/{path}"), &binding);
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
    let person = installed
        .plane
        .kubeconfig_as("system:serviceaccount:default:doctor");
    // The authorizer learns of bindings by watching.
    let until = Instant::now() + Duration::from_secs(60);
    let seen = loop {
        let (seen, _) = self::report(&doctor(&person, &["-o", "json", "-n", "default"]));
        if verdict(&seen, "webhook") == "ok" || Instant::now() > until {
            break seen;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let checks = report["checks"].as_array().expect("it has checks");
    for name in checks.iter().filter_map(|check| check["check"].as_str()) {
        if name == "certificate" {
            assert_eq!(verdict(&seen, name), "unknown", "{seen}");
            says(&seen, name, "secrets");
        } else {
            let (found, wanted) = (verdict(&seen, name), verdict(report, name));
            assert_eq!(found, wanted, "{name}: {seen}");
        }
    }
    // The extender is off here, so the API server is asked what it would say to the question.
    for (resource, subresource, name, wanted) in [
        ("services", "proxy", "https:polypod-webhook:443", true),
        ("services", "proxy", "https:another:443", false),
        ("secrets", "", "polypod-webhook", false),
    ] {
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": "system:serviceaccount:default:doctor", "groups": ["system:authenticated"],
            "resourceAttributes": {"verb": "get", "namespace": "polypod-system",
                "resource": resource, "subresource": subresource, "name": name}}});
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let reply = installed.plane.ask("POST", path, &review);
        let allowed = &reply.body["status"]["allowed"];
        assert_eq!(allowed, wanted, "{name}: {}", reply.body);
    }
}
