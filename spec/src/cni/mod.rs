//! The Container Network Interface, versions 0.1.0 to 1.1.0.
//!
//! Source: containernetworking/cni, SPEC.md and CONVENTIONS.md.

mod args;
mod conf;
mod conf_error;
mod conf_file;
mod declared_version;
mod error;
mod fields;
mod go;
mod invocation;
mod list_options;
mod name;
mod network_invocation;
mod plugin_conf;
mod request;
mod result;
mod result_wire;
mod self_delegation;
mod valid_attachments;
mod version;

/// Where libcni keeps, for the runtime, what it has attached. Source: containernetworking/cni `libcni.CacheDir`, which every
/// runtime leaves as it is.
pub const RUNTIME_RESULTS: &str = "/var/lib/cni/results";

pub use args::{Args, ArgsError};
pub use conf::NetworkConf;
pub use conf_error::ConfError;
pub use conf_file::ConfFile;
pub use error::{Error, code};
pub use fields::Fields;
pub use invocation::{Command, Invocation, InvocationError};
pub use name::{ContainerId, InterfaceName, NetworkName, PluginType};
pub use network_invocation::NetworkInvocation;
pub use plugin_conf::PluginConf;
pub use request::Injection;
pub use result::{AddResult, Dns, Interface, IpConfig, ResultError, Route};
pub use valid_attachments::{ValidAttachment, ValidAttachments};
pub use version::{UnsupportedVersion, Version};
