//! The webhook with its extender, and kube-scheduler's questions to it.

use std::{ffi::OsStr, path::Path};

use serde_json::{Value, json};

use crate::fixture::{
    daemon::Daemon,
    https::{client, post},
};

/// A webhook that was given objects.
pub(super) struct Extender {
    _daemon: Daemon,
    _folder: tempfile::TempDir,
    client: ureq::Agent,
    url: String,
}

impl Extender {
    /// Starts it with these objects.
    pub(super) fn knowing(objects: &[Value]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let file = folder.path().join("objects.json");
        std::fs::write(&file, list.to_string()).expect("the folder is ours");
        let ca = folder.path().join("ca.crt");
        let arguments: [&OsStr; 9] = [
            "--scheduler-extender".as_ref(),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
            "--health-listen".as_ref(),
            "127.0.0.1:0".as_ref(),
            "--objects".as_ref(),
            file.as_os_str(),
            "--cert-out".as_ref(),
            ca.as_os_str(),
        ];
        let daemon = Daemon::start("polypod-webhook", &arguments);
        let url = format!("https://{}/scheduler", daemon.ready("serving https://"));
        Self {
            client: client(Path::new(&ca)),
            _daemon: daemon,
            _folder: folder,
            url,
        }
    }

    fn ask(&self, verb: &str, pod: &Value, nodes: &[&str]) -> Value {
        let args = json!({"Pod": pod, "Nodes": null, "NodeNames": nodes});
        let url = format!("{}/{verb}", self.url);
        let (status, text) = post(&self.client, &url, &args.to_string());
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("the answer is JSON")
    }

    /// The nodes that are left, and why the others are not.
    pub(super) fn filter(&self, pod: &Value, nodes: &[&str]) -> (Vec<String>, Vec<String>) {
        let answer = self.ask("filter", pod, nodes);
        assert_eq!(answer["Error"], "", "{answer}");
        let left = answer["NodeNames"].as_array().into_iter().flatten();
        let left = left.filter_map(|name| name.as_str().map(str::to_owned));
        let refused = ["FailedNodes", "FailedAndUnresolvableNodes"]
            .into_iter()
            .filter_map(|field| answer[field].as_object())
            .flatten();
        let refused = refused.map(|(node, reason)| format!("{node}: {reason}"));
        let (left, refused): (Vec<String>, Vec<String>) = (left.collect(), refused.collect());
        assert_eq!(left.len() + refused.len(), nodes.len(), "{answer}");
        (left, refused)
    }

    /// The best of the nodes that are left; none where two are as good.
    pub(super) fn winner(&self, pod: &Value, nodes: &[&str]) -> Option<String> {
        let (left, _) = self.filter(pod, nodes);
        let left: Vec<&str> = left.iter().map(String::as_str).collect();
        if left.len() < 2 {
            return left.first().map(|name| (*name).to_owned());
        }
        let answer = self.ask("prioritize", pod, &left);
        let mut scores: Vec<(i64, &str)> = answer
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|element| Some((element["Score"].as_i64()?, element["Host"].as_str()?)))
            .collect();
        assert_eq!(scores.len(), left.len(), "{answer}");
        assert!(
            scores.iter().all(|(score, _)| (0..=10).contains(score)),
            "{answer}"
        );
        scores.sort_unstable();
        let [.., second, best] = &scores[..] else {
            return None;
        };
        (best.0 > second.0).then(|| best.1.to_owned())
    }
}
