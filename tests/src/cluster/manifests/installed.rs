//! A cluster to which `manifests/install.yaml` was applied. The parts run as processes of the test: with the arguments of the
//! manifests and with tokens of their ServiceAccounts, so that they have the rights that stand there and no others.

use std::{
    ffi::OsStr,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fixture::{applied::Kinds, control_plane::ControlPlane, daemon::Daemon},
    manifests::objects::{manifests, read},
};

/// The cluster.
pub(crate) struct Installed {
    pub(crate) plane: ControlPlane,
    kinds: Kinds,
    objects: Vec<Value>,
    /// Of this test.
    pub(crate) folder: tempfile::TempDir,
}

/// The namespace of everything.
pub(crate) const SYSTEM: &str = "polypod-system";

/// What registers the webhook, from the moment at which the API server has it.
const REGISTRATIONS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

impl Installed {
    /// Everything but the registrations.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let installed = Self {
            plane: ControlPlane::start_with(flags),
            kinds: Kinds::default(),
            objects: read(&manifests("install.yaml")),
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        };
        for object in &installed.objects {
            let is_registration = REGISTRATIONS.iter().any(|kind| object["kind"] == *kind);
            if !is_registration {
                installed.apply(object);
            }
        }
        installed
    }

    /// Applies an object.
    pub(crate) fn apply(&self, object: &Value) {
        self.kinds.apply(&self.plane, object);
    }

    /// Where an object is.
    pub(crate) fn path_of(&self, object: &Value) -> String {
        self.kinds.path_of(&self.plane, object)
    }

    /// All objects that were applied.
    pub(crate) fn objects(&self) -> &[Value] {
        &self.objects
    }

    /// An object of `install.yaml`.
    pub(crate) fn object(&self, kind: &str, name: &str) -> &Value {
        let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        let found = self.objects.iter().find(is_it);
        found.unwrap_or_else(|| panic!("install.yaml has no {kind} {name}"))
    }

    /// Registers the webhook as the manifests do, but at this port of loopback, where there is no Service.
    pub(crate) fn register(&self, port: u16) {
        for object in self.registrations(port) {
            self.apply(&object);
        }
    }

    /// The registrations at this port of loopback.
    pub(crate) fn registrations(&self, port: u16) -> Vec<Value> {
        let registrations = REGISTRATIONS.map(|kind| {
            let mut object = self.object(kind, "polypod").clone();
            let hooks = object["webhooks"].as_array_mut();
            for hook in hooks.expect("a configuration has webhooks") {
                let service = hook["clientConfig"]["service"].take();
                assert_eq!(service["namespace"], SYSTEM);
                let path = service["path"].as_str().expect("a service has a path");
                hook["clientConfig"] = json!({"url": format!("https://127.0.0.1:{port}{path}")});
            }
            object
        });
        registrations.into()
    }

    /// Waits until the webhook has put its CA into each registration.
    pub(crate) fn wait_for_registration(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        for kind in REGISTRATIONS {
            let path = self.path_of(self.object(kind, "polypod"));
            let has_registered = || {
                let found = self.plane.ask("GET", &path, &Value::Null).body;
                let hooks = found["webhooks"].as_array().cloned().unwrap_or_default();
                let trusts = |hook: &Value| hook["clientConfig"]["caBundle"].is_string();
                !hooks.is_empty() && hooks.iter().all(trusts)
            };
            while !has_registered() {
                assert!(Instant::now() < until, "{kind} has no caBundle");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// The webhook as its Deployment has it, with its ServiceAccount's token. `more` takes the place of the same flags.
    pub(crate) fn webhook(&self, more: &[&str]) -> Daemon {
        let configuration = self.file("admission.yaml");
        let policy = &self.object("ConfigMap", "polypod-webhook")["data"]["admission.yaml"];
        if !configuration.exists() {
            self.write_policy(policy.as_str().expect("the policy is a text"));
        }
        let kubeconfig = self.plane.kubeconfig_of(SYSTEM, "polypod-webhook", None);
        let own = [
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--config={}", configuration.display()),
            format!("--cert-namespace={SYSTEM}"),
            "--health-listen=127.0.0.1:0".to_owned(),
        ];
        let given = self.arguments("Deployment", "polypod-webhook");
        let more = more.iter().map(|more| (*more).to_owned());
        let flag = |argument: &str| argument.split('=').next().unwrap_or_default().to_owned();
        let mut arguments: Vec<String> = more.collect();
        for argument in own.into_iter().chain(given) {
            let is_given = |other: &String| flag(other) == flag(&argument);
            if !arguments.iter().any(is_given) {
                arguments.push(argument);
            }
        }
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        Daemon::start("polypod-webhook", &arguments)
    }

    /// The policy that the webhook is given.
    pub(crate) fn write_policy(&self, policy: &str) {
        std::fs::write(self.file("admission.yaml"), policy).expect("the folder is ours");
    }

    /// A file of this test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The arguments of the first container.
    pub(crate) fn arguments(&self, kind: &str, name: &str) -> Vec<String> {
        let template = &self.object(kind, name)["spec"]["template"];
        let arguments = template["spec"]["containers"][0]["args"].as_array();
        let arguments = arguments.expect("the container has arguments").iter();
        let text = |argument: &Value| argument.as_str().expect("it is a text").to_owned();
        arguments.map(text).collect()
    }
}
