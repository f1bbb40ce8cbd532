//! A webhook that answers schedulers, and what they send to it.

use std::{ffi::OsStr, path::Path, time::Duration};

use serde_json::{Value, json};
use ureq::Agent;

use crate::fixture::{daemon::Daemon, https};

/// A running extender; it ends with its test.
pub(crate) struct Extender {
    client: Agent,
    url: String,
    health: String,
    folder: tempfile::TempDir,
    daemon: Daemon,
}

impl Extender {
    /// One that knows these objects.
    pub(crate) fn of(objects: &[Value], more: &[&OsStr]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let file = folder.path().join("objects.json");
        std::fs::write(&file, list.to_string()).expect("the folder is ours");
        let source: [&OsStr; 2] = ["--objects".as_ref(), file.as_os_str()];
        let flag: &[&OsStr] = &["--scheduler-extender".as_ref()];
        Self::start(&[&source[..], flag, more].concat(), folder)
    }

    /// One that nobody asked to be one.
    pub(crate) fn without() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let examples = crate::fixture::binaries::workspace().join("manifests/examples");
        Self::start(&["--objects".as_ref(), examples.as_os_str()], folder)
    }

    /// One of an API server that never answers.
    pub(crate) fn of_nobody() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = closed.local_addr().expect("it is bound");
        drop(closed);
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "u", "user": {}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        });
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig.to_string()).expect("the folder is ours");
        let flag = "--scheduler-extender".as_ref();
        Self::start(&["--kubeconfig".as_ref(), file.as_os_str(), flag], folder)
    }

    fn start(source: &[&OsStr], folder: tempfile::TempDir) -> Self {
        let ca = folder.path().join("ca.crt");
        let mut arguments: Vec<&OsStr> = source.to_vec();
        let ports = ["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"];
        arguments.extend(ports.map(OsStr::new));
        arguments.extend(["--cert-out".as_ref(), ca.as_os_str()]);
        let daemon = Daemon::start("polypod-webhook", &arguments);
        let url = format!("https://{}", daemon.ready("serving https://"));
        let health = format!("http://{}", daemon.ready("health http://"));
        Self {
            client: https::client(&ca),
            url,
            health,
            folder,
            daemon,
        }
    }

    /// The file with the CA of its certificate.
    pub(crate) fn ca(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.crt")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Status and text of the answer to this body.
    pub(crate) fn post(&self, verb: &str, body: &str) -> (u16, String) {
        let url = self.url(&format!("/scheduler/{verb}"));
        https::post(&self.client, &url, body)
    }

    /// The answer to a long body, which may be long, too.
    pub(crate) fn post_large(&self, verb: &str, body: &str) -> ureq::http::Response<ureq::Body> {
        let url = self.url(&format!("/scheduler/{verb}"));
        let answer = self.client.post(url).send(body).expect("it answers");
        assert_eq!(answer.status(), 200);
        answer
    }

    /// The answer to a question, which must be one.
    pub(crate) fn ask(&self, verb: &str, args: &Value) -> Value {
        let (status, text) = self.post(verb, &args.to_string());
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    /// The names of those of these nodes that fit, after it was seen that every other one is refused with a reason.
    pub(crate) fn fitting(&self, pod: &Value, nodes: &[&str]) -> Vec<String> {
        let answer = self.ask("filter", &json!({"Pod": pod, "NodeNames": nodes}));
        assert_eq!(answer["Error"], "", "{answer}");
        assert_eq!(answer["FailedNodes"], json!({}));
        let names = answer["NodeNames"].as_array().expect("names are a list");
        let fits: Vec<String> = names
            .iter()
            .map(|name| name.as_str().expect("a name is a text").to_owned())
            .collect();
        for node in nodes {
            let reason = &answer["FailedAndUnresolvableNodes"][node];
            let is_refused = reason.as_str().is_some_and(|reason| !reason.is_empty());
            assert_ne!(fits.iter().any(|fit| fit == node), is_refused, "{answer}");
        }
        fits
    }

    /// Status and text of what is on the plain port.
    pub(crate) fn health(&self, path: &str) -> (u16, String) {
        get(
            &Agent::config_builder()
                .http_status_as_error(false)
                .build()
                .new_agent(),
            &format!("{}{path}", self.health),
        )
    }

    /// The same of the TLS port.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(&self.client, &self.url(path))
    }

    /// Ends it, and gives back what it logged.
    pub(crate) fn log(self) -> String {
        self.daemon.log()
    }

    /// Waits until a question is answered with this status.
    pub(crate) fn awaits(&self, client: &Agent, wanted: u16) {
        let body = json!({"Pod": pod("p", 1), "NodeNames": ["n1"]}).to_string();
        let url = self.url("/scheduler/filter");
        let begin = std::time::Instant::now();
        loop {
            let (status, text) = https::post(client, &url, &body);
            if status == wanted {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "{status} {text}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

fn get(client: &Agent, url: &str) -> (u16, String) {
    let mut answer = client.get(url).call().expect("it answers");
    let text = answer.body_mut().read_to_string().expect("it is text");
    (answer.status().as_u16(), text)
}

/// A pod that demands so many VFs.
pub(crate) fn pod(name: &str, devices: u32) -> Value {
    pod_of(name, &json!({"intel.com/sriov": devices.to_string()}))
}

/// A pod that demands these resources.
pub(crate) fn pod_of(name: &str, resources: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}")},
        "spec": {"containers": [{"name": "app", "resources": {"requests": resources, "limits": resources}}]},
    })
}

/// A Node and its NodeResourceTopology with so many free VFs in each of its zones, under single-numa-node.
pub(crate) fn node(name: &str, free: &[u32]) -> [Value; 2] {
    let zone = |(at, free): (usize, &u32)| {
        let amount = free.to_string();
        json!({"name": format!("node-{at}"), "type": "Node", "resources": [
            {"name": "intel.com/sriov", "capacity": amount, "allocatable": amount, "available": amount},
        ]})
    };
    let zones: Vec<Value> = free.iter().enumerate().map(zone).collect();
    let sum: u32 = free.iter().sum();
    [
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"allocatable": {"cpu": "8", "intel.com/sriov": sum.to_string()}}}),
        json!({"apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology",
            "metadata": {"name": name}, "zones": zones,
            "attributes": [{"name": "topologyManagerPolicy", "value": "single-numa-node"}]}),
    ]
}

/// Writes a file that is never seen half.
pub(crate) fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).expect("the folder is ours");
    std::fs::rename(new, path).expect("the folder is ours");
}
