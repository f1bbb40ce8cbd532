//! The annotation [`ATTACHMENTS`] of a pod: when its attachments were made, and how long each delegate and each stage took.
//!
//! Versioned JSON of at most [`LARGEST`] bytes, made from what the plugin reports.

mod milliseconds;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use serde::{Deserialize, Serialize};
use spec::{
    bridge::{self, Times},
    network::ATTACHMENTS,
};

pub use self::milliseconds::Milliseconds;

/// The version of the annotation that this release writes and reads.
pub const VERSION: u32 = 1;

/// How many bytes the annotation has at most: all annotations of a pod have 256 KiB together, and these are worth the least.
/// Some fifty attachments fit with all that is known of them.
pub const LARGEST: usize = 8 << 10;

/// The annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentTimes {
    version: u32,
    /// The ADD of the pod's sandbox; missing where nobody measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxTime>,
    /// The attachments, in the order in which they were asked for; what was plugged into the running pod comes after them.
    #[serde(default)]
    pub attachments: Vec<AttachmentTime>,
    /// How many further attachments there was no room for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// How long it took to attach a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxTime {
    /// When the plugin's ADD began, by the node's clock.
    pub began: MicroTime,
    /// How long it took until the plugin reported it.
    pub ms: Milliseconds,
    /// What it spent its time on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageTime>,
}

/// A stage, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageTime {
    /// The stage, such as `question`.
    pub name: String,
    /// How long it took.
    pub ms: Milliseconds,
    /// What it is known to have spent its time on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// An attachment, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentTime {
    /// The interface in the pod.
    pub interface: String,
    /// The network, as network-status names it.
    pub network: String,
    /// When the first delegate was about to be executed, by the node's clock.
    pub began: MicroTime,
    /// How long its delegates took together.
    pub ms: Milliseconds,
    /// Its delegates' plugins, in the order in which they were executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<DelegateTime>,
}

/// A plugin, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegateTime {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// How long it took.
    pub ms: Milliseconds,
}

/// Why an annotation is not understood.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It is no JSON, or another.
    #[error("annotation {ATTACHMENTS} cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Of another release.
    #[error("annotation {ATTACHMENTS} is of version {0}, and this release reads version {VERSION}")]
    Version(u64),
}

impl AttachmentTimes {
    /// What a plugin reports.
    #[must_use]
    pub fn of(times: &Times) -> Self {
        Self {
            version: VERSION,
            sandbox: Some(SandboxTime {
                began: after(times, 0),
                ms: Milliseconds::of_micros(times.took_us),
                stages: times.stages.iter().map(StageTime::of).collect(),
            }),
            attachments: times
                .attachments
                .iter()
                .map(|one| AttachmentTime::of(times, one))
                .collect(),
            left_out: 0,
        }
    }

    /// Of a pod of which nothing is known yet.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            version: VERSION,
            ..Self::default()
        }
    }

    /// Reads an annotation.
    ///
    /// # Errors
    /// It is not one of this version.
    pub fn parse(text: &str) -> Result<Self, Unread> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let Versioned { version } = serde_json::from_str(text)?;
        if version != u64::from(VERSION) {
            return Err(Unread::Version(version));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// As an annotation of at most [`LARGEST`] bytes. Where all of it does not fit, the parts of stages are left out; then
    /// the delegates; then the last attachments, which are counted; and then the sandbox. `None` where not even that fits.
    #[must_use]
    pub fn print(mut self) -> Option<String> {
        if let Some(text) = self.text() {
            return Some(text);
        }
        for stage in self.sandbox.iter_mut().flat_map(|all| &mut all.stages) {
            stage.parts.clear();
        }
        if let Some(text) = self.text() {
            return Some(text);
        }
        for attachment in &mut self.attachments {
            attachment.delegates.clear();
        }
        while self.text().is_none() && self.attachments.pop().is_some() {
            self.left_out += 1;
        }
        self.text().or_else(|| {
            self.sandbox = None;
            self.text()
        })
    }

    /// With an attachment that was made in a running pod, in the place of an earlier one of its interface.
    #[must_use]
    pub fn with(mut self, attached: AttachmentTime) -> Self {
        self = self.without(&attached.interface);
        self.attachments.push(attached);
        self
    }

    /// Without the attachment of an interface.
    #[must_use]
    pub fn without(mut self, interface: &str) -> Self {
        self.attachments.retain(|one| one.interface != interface);
        self
    }

    fn text(&self) -> Option<String> {
        let text = serde_json::to_string(self).ok()?;
        (text.len() <= LARGEST).then_some(text)
    }
}

impl StageTime {
    fn of(stage: &bridge::Stage) -> Self {
        Self {
            name: stage.name.clone(),
            ms: Milliseconds::of_micros(stage.took_us),
            parts: stage.parts.iter().map(Self::of).collect(),
        }
    }
}

impl AttachmentTime {
    /// One of those that a plugin reports.
    #[must_use]
    pub fn of(times: &Times, one: &bridge::AttachmentTimes) -> Self {
        Self {
            interface: one.interface.to_string(),
            network: one.network.clone(),
            began: after(times, one.after_us),
            ms: Milliseconds::of_micros(one.took_us),
            delegates: one
                .delegates
                .iter()
                .map(|plugin| DelegateTime {
                    kind: plugin.name.clone(),
                    ms: Milliseconds::of_micros(plugin.took_us),
                })
                .collect(),
        }
    }
}

/// The moment so many microseconds after an ADD began. A clock that is far off says nothing, and harms nobody.
fn after(times: &Times, micros: u64) -> MicroTime {
    let since_1970 = times.began_us.saturating_add(micros);
    let moment = i64::try_from(since_1970).ok();
    MicroTime(
        moment
            .and_then(|micros| Timestamp::from_microsecond(micros).ok())
            .unwrap_or_default(),
    )
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests;
