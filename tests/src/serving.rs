//! The webhook as a process over its life: it begins with a configuration, takes a new one, and ends.

use std::{
    ffi::OsStr,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    fixture::{
        binaries::{path, workspace},
        daemon::Daemon,
        https::{client, post, response, review},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "serving::no_request_is_lost_while_endpoints_take_notice",
            needs: &[],
            body: no_request_is_lost_while_endpoints_take_notice,
        },
        Scenario {
            name: "serving::a_second_signal_ends_at_once",
            needs: &[],
            body: a_second_signal_ends_at_once,
        },
        Scenario {
            name: "serving::a_good_configuration_is_taken_and_a_bad_one_is_not",
            needs: &[],
            body: a_good_configuration_is_taken_and_a_bad_one_is_not,
        },
    ]
}

struct Webhook {
    daemon: Daemon,
    folder: tempfile::TempDir,
    url: String,
    health: String,
}

fn start(more: &[&str]) -> Webhook {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let objects = workspace().join("manifests/examples");
    let ca = folder.path().join("ca.crt");
    let mut arguments: Vec<&OsStr> = Vec::new();
    for pair in [
        ["--listen".as_ref(), "127.0.0.1:0".as_ref()],
        ["--health-listen".as_ref(), "127.0.0.1:0".as_ref()],
        ["--objects".as_ref(), objects.as_os_str()],
        ["--cert-out".as_ref(), ca.as_os_str()],
    ] {
        arguments.extend::<[&OsStr; 2]>(pair);
    }
    arguments.extend(more.iter().map(OsStr::new));
    let daemon = Daemon::start("polypod-webhook", &arguments);
    let url = format!(
        "https://{}/mutate?timeout=10s",
        daemon.ready("serving https://")
    );
    let health = format!("http://{}", daemon.ready("health http://"));
    Webhook {
        daemon,
        folder,
        url,
        health,
    }
}

impl Webhook {
    fn client(&self) -> ureq::Agent {
        client(&self.folder.path().join("ca.crt"))
    }

    fn get(&self, path: &str) -> (u16, String) {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut answer = agent
            .get(format!("{}{path}", self.health))
            .call()
            .expect("it answers");
        let text = answer.body_mut().read_to_string().expect("it is text");
        (answer.status().as_u16(), text)
    }

    /// Waits for a line of the metrics.
    fn awaits(&self, line: &str) {
        let begin = Instant::now();
        loop {
            let (_, metrics) = self.get("/metrics");
            if metrics.lines().any(|found| found == line) {
                return;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "{line}\n{metrics}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn pod_review() -> String {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p1", "annotations": {"k8s.v1.cni.cncf.io/networks": "sriov-net-a"}},
        "spec": {"containers": [{"name": "app", "image": "busybox"}]},
    });
    review("Pod", &pod).to_string()
}

fn no_request_is_lost_while_endpoints_take_notice() {
    let webhook = start(&["--shutdown-delay", "4s"]);
    let body = pod_review();
    let (is_over, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let url = webhook.url.clone();
    let ca = webhook.folder.path().join("ca.crt");
    let ask = |client: &ureq::Agent| {
        let (status, text) = post(client, &url, &body);
        assert_eq!(status, 200, "{text}");
        answers.fetch_add(1, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let client = client(&ca);
                    while !is_over.load(Ordering::Relaxed) {
                        ask(&client);
                    }
                })
            })
            .collect();
        while answers.load(Ordering::Relaxed) < 20 {
            std::thread::sleep(Duration::from_millis(10));
            assert!(
                !askers
                    .iter()
                    .any(std::thread::ScopedJoinHandle::is_finished)
            );
        }
        assert_eq!(webhook.get("/readyz").0, 200);
        webhook.daemon.terminate();
        let signalled = Instant::now();
        while webhook.get("/readyz").0 == 200 {
            assert!(signalled.elapsed() < Duration::from_secs(2), "still ready");
        }
        let before = answers.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1500));
        ask(&webhook.client());
        assert!(
            answers.load(Ordering::Relaxed) > before + 1,
            "requests are answered during the delay"
        );
        is_over.store(true, Ordering::Relaxed);
        for asker in askers {
            asker.join().expect("no request is lost");
        }
    });
    assert!(webhook.daemon.ends(), "it ends well");
}

fn a_second_signal_ends_at_once() {
    let webhook = start(&["--shutdown-delay", "10m"]);
    webhook.daemon.terminate();
    while webhook.get("/readyz").0 == 200 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let begin = Instant::now();
    webhook.daemon.terminate();
    assert!(webhook.daemon.ends(), "it ends well");
    assert!(begin.elapsed() < Duration::from_secs(30));
}

const HEAD: &str = "apiVersion: polypod.dev/v1alpha1\nkind: AdmissionConfiguration\n";

fn a_good_configuration_is_taken_and_a_bad_one_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    // As the kubelet mounts a ConfigMap: the file is a link through a folder's link, and that one is renamed.
    let write = |version: &str, text: &str| {
        let data = folder.path().join(version);
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("config.yaml"), text).unwrap();
        let new = folder.path().join("..data_tmp");
        std::os::unix::fs::symlink(version, &new).unwrap();
        std::fs::rename(new, folder.path().join("..data")).unwrap();
    };
    let file = folder.path().join("config.yaml");
    std::os::unix::fs::symlink(Path::new("..data/config.yaml"), &file).unwrap();
    write("..1", &format!("{HEAD}injection: {{podNetInfo: 5}}\n"));
    let file = file.to_str().unwrap();
    let refused = std::process::Command::new(path("polypod-webhook"))
        .args(["--objects", "/", "--config", file])
        .output()
        .expect("polypod-webhook can be executed");
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("injection.podNetInfo"), "{told}");

    write("..2", HEAD);
    let webhook = start(&["--config", file, "--shutdown-delay", "0s"]);
    let missing = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p1", "annotations": {"k8s.v1.cni.cncf.io/networks": "nothing"}},
        "spec": {"containers": [{"name": "app", "image": "busybox"}]},
    });
    let is_allowed = || {
        let answer = response(&webhook.client(), &webhook.url, &review("Pod", &missing));
        answer["allowed"] == true
    };
    assert!(!is_allowed());
    webhook.awaits(r#"polypod_configuration_valid{source="config"} 1"#);
    write("..3", &format!("{HEAD}modes: [{{mode: warn}}]\n"));
    let begin = Instant::now();
    while !is_allowed() {
        assert!(begin.elapsed() < Duration::from_secs(60), "never taken");
        std::thread::sleep(Duration::from_millis(100));
    }
    write("..4", &format!("{HEAD}modes: [{{mode: ignore}}]\n"));
    webhook.awaits(r#"polypod_configuration_valid{source="config"} 0"#);
    assert!(is_allowed(), "the last good one stays");
    let (_, told) = webhook.get("/configz");
    assert!(
        told.contains("modes[0].mode") && told.contains(r#""mode":"warn""#),
        "{told}"
    );
}
