//! The Container Network Interface, versions 0.1.0 to 1.1.0.
//!
//! Source: containernetworking/cni, SPEC.md and CONVENTIONS.md.

mod args;
mod conf;
mod error;
mod go;
mod invocation;
mod name;
mod result;
mod result_wire;
mod version;

pub use args::{Args, ArgsError};
pub use conf::{ConfError, Fields, Injection, NetworkConf, PluginConf};
pub use error::{Error, code};
pub use invocation::{Command, Invocation, InvocationError};
pub use name::{ContainerId, InterfaceName, NetworkName, PluginType};
pub use result::{AddResult, Dns, Interface, IpConfig, ResultError, Route};
pub use version::{UnsupportedVersion, Version};
