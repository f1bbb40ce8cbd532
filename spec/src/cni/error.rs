//! The error a CNI plugin prints on standard output.

use serde::{Deserialize, Serialize};

/// Error codes of the CNI specification, section 5, "Error". 0 to 99 are the specification's, from 100 on the plugin's own.
pub mod code {
    /// The version of the configuration is not supported.
    pub const INCOMPATIBLE_VERSION: u32 = 1;
    /// The container does not exist: there is nothing to clean up.
    pub const UNKNOWN_CONTAINER: u32 = 3;
    /// A variable of the environment is missing or wrong; the message names it.
    pub const INVALID_ENVIRONMENT: u32 = 4;
    /// Reading or writing failed.
    pub const IO_FAILURE: u32 = 5;
    /// The configuration is not JSON.
    pub const UNDECODABLE: u32 = 6;
    /// The configuration is JSON, but not a valid configuration.
    pub const INVALID_CONF: u32 = 7;
    /// A passing condition: the runtime should try again later.
    pub const TRY_AGAIN_LATER: u32 = 11;
    /// STATUS: the plugin cannot take ADD requests.
    pub const NOT_AVAILABLE: u32 = 50;
    /// STATUS: as 50, and containers that run have limited connectivity.
    pub const LIMITED_CONNECTIVITY: u32 = 51;
    /// A delegate failed without an error of its own: no JSON, a signal, a missing executable.
    pub const DELEGATE: u32 = 100;
    /// What the pod asked for cannot be given to it: a broken annotation, a missing network, too few devices.
    pub const UNMET_REQUEST: u32 = 101;
    /// The sandbox record cannot be read or written.
    pub const RECORD: u32 = 103;
    /// Between device-bridge and plugin: the API server does not take the token of who was asked (401), which somebody renews.
    pub const NOT_AUTHENTICATED: u32 = 104;
}

/// An error as it stands on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// The version of the configuration that was executed; some plugins leave it out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cni_version: String,
    /// One of [`code`], or a plugin's own from 100 on.
    pub code: u32,
    /// One sentence.
    #[serde(default)]
    pub msg: String,
    /// Anything longer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
}
