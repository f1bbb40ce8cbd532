//! What every verb needs of the configuration, and DEL and GC nothing more.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use spec::cni::{NetworkName, Version};

use super::keys::Keys;
use crate::{
    device_info, error::Error, hotplug::HotplugRequest, log::LogConf, sandbox_file::Patience,
};

/// Where records and plugins are, and how long things may take.
///
/// The record holds the rest. So whatever else has become wrong in the configuration since ADD does not keep a pod from
/// being deleted.
#[derive(Clone, Debug)]
pub struct State {
    /// `cniVersion`; the oldest where it is none.
    pub version: Version,
    /// `name`, if it is one.
    pub name: Option<NetworkName>,
    /// `cniDir`: where sandbox records are, and Multus's files.
    pub cni_dir: PathBuf,
    /// `binDir`: searched for plugins before `CNI_PATH`.
    pub bin_dir: String,
    /// `deviceInfoDir`: where device-info files are.
    pub device_info_dir: PathBuf,
    /// `delegateTimeout`: how long one plugin may take.
    pub delegate_timeout: Duration,
    /// `timeout`: how long a verb may take, undoing what failed included.
    pub timeout: Duration,
    /// `compat: "multus"`: Multus's own files are written beside the record, so that Multus can take a pod over.
    pub compat: bool,
    /// Whether there is `hotplug`: the verb is about one network of a pod that runs.
    pub is_hotplug: bool,
    /// `logFile`, `logLevel`, `logToStderr`, `logOptions`.
    pub log: LogConf,
}

/// Several plugins have to fit into [`TIMEOUT`].
const DELEGATE_TIMEOUT: Duration = Duration::from_secs(60);

/// The kubelet gives up on a sandbox after four minutes.
const TIMEOUT: Duration = Duration::from_secs(200);

impl State {
    /// Parses the configuration.
    ///
    /// # Errors
    /// It is no JSON object, or one of these keys is wrong; a wrong key of the log is passed over.
    pub fn parse(stdin: &[u8]) -> Result<Self, Error> {
        let keys = Keys::parse(stdin)?;
        let log = LogConf::read(&keys).unwrap_or_default();
        Self::with_log(&keys, log)
    }

    /// How long a sandbox that somebody is at work on is waited for, in a verb that ends at `until`.
    #[must_use]
    pub const fn patience(&self, until: Instant) -> Patience {
        Patience {
            delegate: self.delegate_timeout,
            until,
        }
    }

    pub(super) fn read(keys: &Keys) -> Result<Self, Error> {
        Self::with_log(keys, LogConf::read(keys)?)
    }

    fn with_log(keys: &Keys, log: LogConf) -> Result<Self, Error> {
        let version = keys.text("cniVersion").ok().flatten().unwrap_or_default();
        Ok(Self {
            version: version.parse().unwrap_or(Version::V0_1_0),
            name: keys
                .text("name")
                .ok()
                .flatten()
                .and_then(|name| name.parse().ok()),
            cni_dir: keys
                .path("cniDir")?
                .unwrap_or_else(|| PathBuf::from("/var/lib/cni/multus")),
            bin_dir: keys
                .text("binDir")?
                .unwrap_or_else(|| "/opt/cni/bin".to_owned()),
            device_info_dir: keys
                .path("deviceInfoDir")?
                .unwrap_or_else(|| PathBuf::from(device_info::BASE)),
            delegate_timeout: keys.seconds("delegateTimeout", DELEGATE_TIMEOUT)?,
            timeout: keys.seconds("timeout", TIMEOUT)?,
            compat: compat(keys)?,
            is_hotplug: HotplugRequest::is_in(keys),
            log,
        })
    }
}

fn compat(keys: &Keys) -> Result<bool, Error> {
    match keys.text("compat")?.as_deref() {
        None => Ok(false),
        Some("multus") => Ok(true),
        Some(other) => Err(Error::Key {
            key: "compat",
            problem: format!("it is {other:?} and must be \"multus\" or be left out"),
        }),
    }
}
