//! The container runtime's side of attachment: executes the CNI plugin with environment and standard input.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use spec::cni::{self, AddResult, Version};

use super::{
    delegate::{RECORDS, SYSFS},
    folder::Folder,
    program,
};

/// The kubelet gives up on a sandbox after two minutes; four attachments take a fraction of a second.
const LIMIT: Duration = Duration::from_secs(60);

/// The id of the pod's sandbox, as a runtime would make one up.
const CONTAINER: &str = "demo-7c1f5e0a9b3d4c68";

/// A runtime that has one sandbox.
pub(super) struct Runtime<'a> {
    /// `polypod`.
    pub(super) plugin: &'a Path,
    /// The demo's folder.
    pub(super) folder: &'a Folder,
    /// `CNI_PATH`.
    pub(super) path: &'a [PathBuf],
    /// The sandbox's network namespace.
    pub(super) netns: &'a Path,
    /// The pod: namespace, name, UID.
    pub(super) pod: (&'a str, &'a str, &'a str),
    /// The cluster network's configuration.
    pub(super) cluster_network: &'a Value,
}

impl Runtime<'_> {
    /// ADD: the result.
    pub(super) fn add(&self) -> Result<AddResult> {
        let text = self.call("ADD")?;
        let (result, version) = AddResult::parse(&text, Version::V1_0_0)
            .with_context(|| format!("polypod ADD printed {text:?}"))?;
        if version != Version::V1_0_0 {
            bail!("polypod answered in CNI {version}, but was asked in 1.0.0");
        }
        Ok(result)
    }

    /// DEL.
    pub(super) fn del(&self) -> Result<()> {
        self.call("DEL").map(drop)
    }

    fn call(&self, verb: &str) -> Result<String> {
        let (namespace, name, uid) = self.pod;
        let path = env::join_paths(self.path).context("CNI_PATH")?;
        let mut command = Command::new(self.plugin);
        command
            .env("CNI_COMMAND", verb)
            .env("CNI_CONTAINERID", CONTAINER)
            .env("CNI_NETNS", self.netns)
            .env("CNI_IFNAME", "eth0")
            .env("CNI_PATH", path)
            .env(
                "CNI_ARGS",
                format!(
                    "IgnoreUnknown=1;K8S_POD_NAMESPACE={namespace};K8S_POD_NAME={name};\
                     K8S_POD_INFRA_CONTAINER_ID={CONTAINER};K8S_POD_UID={uid}"
                ),
            )
            .env(SYSFS, self.folder.at("sys"))
            .env(RECORDS, self.folder.at("records"));
        let ended = program::run(&mut command, &self.configuration().to_string(), LIMIT)?;
        if ended.status.success() {
            return Ok(ended.stdout);
        }
        match serde_json::from_str::<cni::Error>(&ended.stdout) {
            Ok(error) => bail!(
                "polypod {verb} failed with CNI code {}: {} {}",
                error.code,
                error.msg,
                error.details
            ),
            Err(_) => bail!(
                "polypod {verb} failed ({}) without a CNI error: {} {}",
                ended.status,
                ended.stdout.trim(),
                ended.stderr.trim()
            ),
        }
    }

    /// What would lie in `/etc/cni/net.d`.
    fn configuration(&self) -> Value {
        json!({
            "cniVersion": "1.0.0",
            "name": "node-cni-network",
            "type": "polypod",
            "cniDir": self.folder.at("state"),
            "binDir": self.folder.at("bin"),
            "confDir": self.folder.at("conf"),
            "bridgeSocket": self.folder.at("run/bridge.sock"),
            "delegates": [self.cluster_network],
        })
    }
}
