//! Sandboxes that Multus attached before its place was taken: what the results tell of them that libcni keeps below `cniDir`.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use spec::{
    bridge::PodRef,
    cni::ContainerId,
    record::{EXTENSION, FOLDER},
};

use super::sandbox;

/// A sandbox of Multus, as far as undoing what is left of it is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfMultus {
    /// The container id.
    pub container_id: ContainerId,
    /// Its pod, where `CNI_ARGS` say it.
    pub pod: Option<PodRef>,
    /// Whether its network namespace is gone; where none is known, or its folder cannot be seen from here, it is not.
    pub is_gone: bool,
    /// How long ago the last of its files was changed.
    pub age: Duration,
    /// What it has, by the names of networks.
    pub attached: Vec<Attached>,
}

/// One of its attachments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attached {
    /// The CNI name of its network.
    pub network: String,
    /// The interface in the pod.
    pub interface: String,
    /// The configuration it was made by, if it can be read.
    pub conf: Option<String>,
}

/// What libcni writes (`libcni.cachedInfo`), as far as it is of use here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cached {
    container_id: String,
    #[serde(default)]
    netns: String,
    #[serde(default)]
    cni_args: Vec<(String, String)>,
    #[serde(default)]
    network_name: String,
    #[serde(default)]
    if_name: String,
    #[serde(default)]
    config: String,
}

impl Cached {
    fn attached(&self) -> Attached {
        let conf = STANDARD.decode(&self.config).ok();
        Attached {
            network: self.network_name.clone(),
            interface: self.if_name.clone(),
            conf: conf.and_then(|conf| String::from_utf8(conf).ok()),
        }
    }
}

/// Reads the results below `cni_dir`. A sandbox with a record is ours, whoever has attached it; what cannot be read is no
/// evidence that a sandbox is gone.
#[must_use]
pub(crate) fn read(cni_dir: &Path) -> Vec<OfMultus> {
    let mut found: BTreeMap<ContainerId, OfMultus> = BTreeMap::new();
    let files = fs::read_dir(cni_dir.join("results"))
        .into_iter()
        .flatten()
        .flatten();
    for file in files {
        let Some((cached, age)) = cached(&file.path()) else {
            continue;
        };
        let Ok(container_id) = cached.container_id.parse::<ContainerId>() else {
            continue;
        };
        let record = cni_dir
            .join(FOLDER)
            .join(format!("{container_id}.{EXTENSION}"));
        if record.exists() || record.with_extension("json.new").exists() {
            continue;
        }
        let is_gone = !cached.netns.is_empty() && sandbox::is_missing(Path::new(&cached.netns));
        let pod = pod(&cached.cni_args);
        let sandbox = found
            .entry(container_id.clone())
            .or_insert_with(|| OfMultus {
                container_id,
                pod: None,
                is_gone,
                age,
                attached: Vec::new(),
            });
        sandbox.is_gone &= is_gone;
        sandbox.age = sandbox.age.min(age);
        sandbox.pod = sandbox.pod.take().or(pod);
        sandbox.attached.push(cached.attached());
    }
    let mut found: Vec<OfMultus> = found.into_values().collect();
    for sandbox in &mut found {
        sandbox.attached.sort();
    }
    found
}

fn cached(file: &Path) -> Option<(Cached, Duration)> {
    let text = fs::read(file).ok()?;
    let changed = fs::metadata(file).and_then(|about| about.modified()).ok()?;
    let age = SystemTime::now()
        .duration_since(changed)
        .unwrap_or_default();
    Some((serde_json::from_slice(&text).ok()?, age))
}

fn pod(args: &[(String, String)]) -> Option<PodRef> {
    let value = |name: &str| {
        let mut all = args.iter();
        all.find_map(|(key, value)| (key == name && !value.is_empty()).then_some(value))
    };
    Some(PodRef {
        namespace: value("K8S_POD_NAMESPACE")?.parse().ok()?,
        name: value("K8S_POD_NAME")?.parse().ok()?,
        uid: value("K8S_POD_UID").cloned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn write(cni_dir: &Path, file: &str, text: &str) {
        fs::create_dir_all(cni_dir.join("results")).unwrap();
        fs::write(cni_dir.join("results").join(file), text).unwrap();
    }

    fn entry(id: &str, netns: &Path) -> String {
        json!({"kind": "cniCacheV1", "containerId": id, "netns": netns, "ifName": "eth0",
            "cniArgs": [["IgnoreUnknown", "1"], ["K8S_POD_NAMESPACE", "default"], ["K8S_POD_NAME", "p1"], ["K8S_POD_UID", "u1"]]})
        .to_string()
    }

    #[test]
    fn gone_alive_ours_and_what_nothing_can_be_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let cni_dir = folder.path().join("cni");
        let there = folder.path().join("there");
        fs::write(&there, "").unwrap();
        let gone = folder.path().join("gone");
        write(&cni_dir, "a-gone-eth0", &entry("gone", &gone));
        write(&cni_dir, "b-gone-net1", &entry("gone", &gone));
        write(&cni_dir, "a-alive-eth0", &entry("alive", &there));
        write(&cni_dir, "a-half-eth0", &entry("half", &gone));
        write(&cni_dir, "b-half-net1", &entry("half", &there));
        write(
            &cni_dir,
            "a-unseen-eth0",
            &entry("unseen", Path::new("/polypod-not-there/x")),
        );
        write(&cni_dir, "a-ours-eth0", &entry("ours", &gone));
        write(&cni_dir, "a-torn-eth0", "{");
        write(&cni_dir, "a-old-eth0", r#"{"cniVersion":"0.4.0"}"#);
        fs::create_dir_all(cni_dir.join(FOLDER)).unwrap();
        fs::write(cni_dir.join(FOLDER).join("ours.json"), "").unwrap();
        let found = read(&cni_dir);
        let told: Vec<(&str, bool)> = found
            .iter()
            .map(|one| (one.container_id.as_str(), one.is_gone))
            .collect();
        assert_eq!(
            told,
            [
                ("alive", false),
                ("gone", true),
                ("half", false),
                ("unseen", false)
            ]
        );
        let pod = found[1].pod.as_ref().unwrap();
        assert_eq!(
            (pod.to_string().as_str(), pod.uid.as_deref()),
            ("default/p1", Some("u1"))
        );
        assert_eq!(read(&folder.path().join("none")), []);
    }
}
