//! A webhook that knows the networks of the tables, and the requests that an API server sends to it.

use std::{ffi::OsStr, path::Path, sync::Mutex};

use serde_json::{Value, json};
use ureq::Agent;

use super::{answer::Answer, networks, row::Row};
use crate::fixture::{daemon::Daemon, https};

/// A running webhook; it ends with its test.
pub(super) struct Webhook {
    client: Agent,
    url: String,
    /// Locked, because threads share the webhook and only its end needs the process.
    _daemon: Mutex<Daemon>,
    _folder: tempfile::TempDir,
}

/// Which of the two is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Mutate,
    Validate,
}

impl Hook {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

impl Webhook {
    /// A webhook with its default policy, or with this AdmissionConfiguration, and networks from files.
    pub(super) fn start(configuration: Option<&Value>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": networks::all()});
        let objects = folder.path().join("networks.json");
        std::fs::write(&objects, list.to_string()).expect("the folder is ours");
        let mut arguments = vec!["--objects".as_ref(), objects.as_os_str()];
        let file = folder.path().join("configuration.json");
        if let Some(configuration) = configuration {
            std::fs::write(&file, configuration.to_string()).expect("the folder is ours");
            arguments.extend(["--config".as_ref(), file.as_os_str()]);
        }
        Self::with(&arguments.clone(), folder)
    }

    /// A webhook with networks from the API server of a kubeconfig.
    pub(super) fn of_api_server(kubeconfig: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig).expect("the folder is ours");
        Self::with(&["--kubeconfig".as_ref(), file.as_os_str()].clone(), folder)
    }

    fn with(source: &[&OsStr], folder: tempfile::TempDir) -> Self {
        let ca = folder.path().join("ca.crt");
        let daemon = Daemon::start("polypod-webhook", &arguments(source, &ca));
        let url = format!("https://{}", daemon.ready("serving https://"));
        Self {
            client: https::client(&ca),
            url,
            _daemon: Mutex::new(daemon),
            _folder: folder,
        }
    }

    /// The answer about a row's object.
    pub(super) fn ask(&self, hook: Hook, row: &Row) -> Result<Answer, String> {
        self.ask_about(hook, row, &row.object, false)
    }

    /// The answer about another object in a row's request.
    pub(super) fn ask_about(
        &self,
        hook: Hook,
        row: &Row,
        object: &Value,
        dry_run: bool,
    ) -> Result<Answer, String> {
        let review = review(row, object, dry_run);
        let (status, text) = self.post(hook, &review.to_string());
        if status != 200 {
            return Err(format!("{hook:?}: HTTP {status}: {}", text.trim()));
        }
        Answer::read(hook, &review, &text).map_err(|problem| format!("{hook:?}: {problem}: {text}"))
    }

    /// Status and text of the answer to this body.
    pub(super) fn post(&self, hook: Hook, body: &str) -> (u16, String) {
        https::post(&self.client, &self.url(hook), body)
    }

    /// The same with another content type.
    pub(super) fn post_as(&self, hook: Hook, content_type: &str, body: &str) -> (u16, String) {
        let sent = self
            .client
            .post(self.url(hook))
            .header("content-type", content_type)
            .send(body);
        let mut answer = sent.expect("the webhook answers");
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string();
        (status, text.expect("the answer is text"))
    }

    fn url(&self, hook: Hook) -> String {
        format!("{}/{}?timeout=10s", self.url, hook.path())
    }
}

/// The command line of a webhook on loopback.
pub(super) fn arguments<'a>(source: &[&'a OsStr], ca: &'a Path) -> Vec<&'a OsStr> {
    let ports = ["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"];
    let mut arguments: Vec<&OsStr> = source.to_vec();
    arguments.extend(ports.map(OsStr::new));
    // Shown when its test fails, where a line for every review would hide what went wrong.
    arguments.extend(["--log-level", "warn"].map(OsStr::new));
    arguments.extend(["--cert-out".as_ref(), ca.as_os_str()]);
    arguments
}

/// The review of `object` in the request of `row`.
pub(super) fn review(row: &Row, object: &Value, dry_run: bool) -> Value {
    let mut review = https::review(row.kind, object);
    let request = &mut review["request"];
    request["namespace"] = json!(row.namespace);
    request["name"] = object["metadata"]["name"].clone();
    request["dryRun"] = json!(dry_run);
    if let Some(old) = &row.old {
        request["operation"] = json!("UPDATE");
        request["oldObject"] = old.clone();
    }
    review
}
