//! Something that is not as it ought to be.

use serde::Serialize;

/// Something that is not as it ought to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Degraded {
    /// What: `node/worker-1`, `pod/telco/upf`, `daemonset/polypod-device-bridge`.
    pub(super) what: String,
    /// Since when (RFC 3339), where anybody says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    /// A word for it.
    pub(super) reason: String,
    /// What is wrong, and what to do.
    pub(super) message: String,
}
