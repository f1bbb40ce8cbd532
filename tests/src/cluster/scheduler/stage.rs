//! A control plane, a webhook that places pods, a kube-scheduler that asks it, and pods.

use std::{
    ffi::OsString,
    path::PathBuf,
    time::{Duration, Instant},
};

use certs::{authority::Authority, names::ServerNames};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::manifests::{RIGHTS, path_of};
use crate::{
    fixture::{
        control_plane::{ControlPlane, free_ports},
        daemon::Daemon,
        kube_scheduler::{Extender, KubeScheduler},
    },
    manifests::objects::{manifests, read},
};

/// The resource of all devices here.
pub(super) const RESOURCE: &str = "intel.com/sriov";

pub(super) const NODES: &str = "/api/v1/nodes";
pub(super) const PODS: &str = "/api/v1/namespaces/default/pods";
pub(super) const INVENTORIES: &str = "/apis/polypod.dev/v1alpha1/nodeinventories";
pub(super) const TOPOLOGIES: &str = "/apis/topology.node.k8s.io/v1alpha2/noderesourcetopologies";

/// The webhook's service account, which has these rights and no others.
const ACCOUNT: &str = "system:serviceaccount:polypod-system:polypod-webhook";

/// What takes seconds, on a busy machine.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// A cluster without kubelets.
pub(super) struct Stage {
    pub(super) plane: ControlPlane,
    folder: tempfile::TempDir,
    port: u16,
    webhook: Option<Daemon>,
    scheduler: Option<KubeScheduler>,
}

impl Stage {
    /// An API server with the kinds of nodes' reports, and a webhook that is ready.
    pub(super) fn new() -> Self {
        Self::with(&[])
    }

    /// The same; the webhook is given more arguments.
    pub(super) fn with(arguments: &[OsString]) -> Self {
        let plane = ControlPlane::start();
        for file in [
            "network-attachment-definitions",
            "node-inventories",
            "node-resource-topologies",
        ] {
            let crd = &read(&manifests(&format!("crds/{file}.yaml")))[0];
            let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
            plane.ask("POST", crds, crd).is_created();
        }
        for kind in [INVENTORIES, TOPOLOGIES] {
            until(|| (plane.ask("GET", kind, &Value::Null).status == 200).then_some(()));
        }
        grant(&plane);
        let [port] = free_ports();
        let mut stage = Self {
            plane,
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            port,
            webhook: None,
            scheduler: None,
        };
        stage.issue();
        stage.start_webhook(arguments);
        stage
    }

    /// A certificate that stays the same when the webhook is started again.
    fn issue(&self) {
        let (now, life) = (OffsetDateTime::now_utc(), time::Duration::days(1));
        let authority = Authority::generate("webhook", now, life);
        let authority = authority.expect("an authority can be made");
        let name = "127.0.0.1".parse().expect("an address is a name");
        let names = ServerNames::new([name]).expect("there is one");
        let leaf = authority.issue(&names, now, life);
        let leaf = leaf.expect("a leaf can be issued");
        for (name, text) in [
            ("ca.crt", authority.pem()),
            ("tls.crt", leaf.chain_pem()),
            ("tls.key", leaf.key_pem()),
        ] {
            std::fs::write(self.file(name), text).expect("the folder is ours");
        }
    }

    /// A file of this test.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the webhook, always at the same address, and waits until it is ready.
    pub(super) fn start_webhook(&mut self, more: &[OsString]) {
        let mut arguments: Vec<OsString> = vec![
            "--kubeconfig".into(),
            self.plane.kubeconfig_as(ACCOUNT).into(),
            "--listen".into(),
            format!("127.0.0.1:{}", self.port).into(),
            "--health-listen".into(),
            "127.0.0.1:0".into(),
            "--cert-dir".into(),
            self.folder.path().into(),
            "--shutdown-delay".into(),
            "0s".into(),
            "--scheduler-extender".into(),
            "--scheduling-lease".into(),
            "polypod-system/polypod-scheduling".into(),
        ];
        arguments.extend_from_slice(more);
        let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
        let webhook = Daemon::start("polypod-webhook", &arguments);
        webhook.ready("serving ");
        let health = webhook.ready("health ");
        until(|| ureq::get(format!("{health}/readyz")).call().ok().map(drop));
        self.webhook = Some(webhook);
    }

    /// Stops the webhook as an update of its Deployment does.
    pub(super) fn stop_webhook(&mut self) {
        let webhook = self.webhook.take().expect("it runs");
        assert!(webhook.stop(), "the webhook ends well");
    }

    /// How a kube-scheduler reaches the webhook.
    pub(super) fn extender(&self) -> Extender {
        let url = format!("https://127.0.0.1:{}/scheduler", self.port);
        Extender::new(&url, &self.file("ca.crt"))
    }

    /// Starts the cluster's scheduler; one that runs is ended before.
    pub(super) fn start_scheduler(&mut self, extender: &Extender) {
        self.scheduler = None;
        self.scheduler = Some(KubeScheduler::start(&self.plane, extender));
    }

    /// Starts a scheduler that knows of no extender.
    pub(super) fn start_plain_scheduler(&mut self) {
        self.scheduler = None;
        let configuration = json!({
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "leaderElection": {"leaderElect": false},
        });
        self.scheduler = Some(KubeScheduler::configured(&self.plane, configuration));
    }

    /// What the scheduler has logged.
    pub(super) fn scheduler_log(&self) -> String {
        self.scheduler
            .as_ref()
            .map(KubeScheduler::log)
            .unwrap_or_default()
    }

    /// Creates a pod and gives back its UID.
    pub(super) fn create(&self, pod: &Value) -> String {
        let created = self.plane.ask("POST", PODS, pod);
        created.is_created();
        text(&created.body["metadata"]["uid"])
    }

    /// Removes a pod at once, as the kubelet does at the end of its grace.
    pub(super) fn delete(&self, pod: &str) {
        let path = format!("{PODS}/{pod}?gracePeriodSeconds=0");
        let deleted = self.plane.ask("DELETE", &path, &Value::Null);
        assert_eq!(deleted.status, 200, "{}", deleted.body);
    }

    /// The pod as it is.
    pub(super) fn pod(&self, name: &str) -> Value {
        let found = self
            .plane
            .ask("GET", &format!("{PODS}/{name}"), &Value::Null);
        assert_eq!(found.status, 200, "{}", found.body);
        found.body
    }

    /// Waits until the pod is bound, and says where.
    pub(super) fn node_of(&self, pod: &str) -> String {
        until_or(
            || {
                self.pod(pod)["spec"]["nodeName"]
                    .as_str()
                    .map(str::to_owned)
            },
            || {
                format!(
                    "{pod} is not bound: {}\n{:#?}",
                    self.pod(pod)["status"],
                    self.events(pod)
                )
            },
        )
    }

    /// Waits until the scheduler has said of the pod that no node is for it, and gives back its words.
    pub(super) fn refusal(&self, pod: &str) -> String {
        until_or(
            || {
                let pod = self.pod(pod);
                assert_eq!(pod["spec"]["nodeName"], Value::Null, "it is bound");
                let conditions = pod["status"]["conditions"].as_array().cloned();
                let scheduled = conditions.into_iter().flatten().find(|condition| {
                    condition["type"] == "PodScheduled" && condition["status"] == "False"
                })?;
                Some(text(&scheduled["message"]))
            },
            || format!("nothing is said of {pod}: {:#?}", self.events(pod)),
        )
    }

    /// The messages of the pod's events.
    pub(super) fn events(&self, pod: &str) -> Vec<String> {
        let path = "/api/v1/namespaces/default/events";
        let events = self.plane.ask("GET", path, &Value::Null).body;
        let events = events["items"].as_array().cloned().unwrap_or_default();
        let of_pod = events
            .iter()
            .filter(|event| event["involvedObject"]["name"] == pod);
        of_pod
            .map(|event| format!("{} {}", text(&event["reason"]), text(&event["message"])))
            .collect()
    }

    /// How long it takes until the pod is bound.
    pub(super) fn takes_to_bind(&self, pod: &str) -> Duration {
        let begun = Instant::now();
        self.node_of(pod);
        begun.elapsed()
    }
}

/// Gives the webhook's service account its rights, strictly as the manifests have them.
fn grant(plane: &ControlPlane) {
    let objects = [
        "base/namespace.yaml",
        "admission/cluster-role.yaml",
        "base/webhook/service-account.yaml",
    ];
    for object in objects
        .into_iter()
        .chain(RIGHTS)
        .flat_map(|file| read(&manifests(file)))
    {
        let path = format!("{}?fieldValidation=Strict", path_of(&object));
        plane.ask("POST", &path, &object).is_created();
    }
}

/// A pod that asks for so many devices.
pub(super) fn pod(name: &str, devices: u32) -> Value {
    let mut resources = json!({});
    if devices > 0 {
        let quantities = json!({RESOURCE: devices.to_string()});
        resources = json!({"requests": quantities, "limits": quantities});
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "app", "image": "busybox", "resources": resources}]}})
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Asks until there is an answer.
pub(super) fn until<T>(ask: impl FnMut() -> Option<T>) -> T {
    until_or(ask, || "it did not come about".to_owned())
}

fn until_or<T>(mut ask: impl FnMut() -> Option<T>, otherwise: impl Fn() -> String) -> T {
    let until = Instant::now() + SOON;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "{} within {SOON:?}", otherwise());
        std::thread::sleep(Duration::from_millis(25));
    }
}
