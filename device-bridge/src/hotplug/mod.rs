//! The hot-plug socket: Multus's HTTP API for multus-shim and for controllers that plug interfaces into pods that run.
//!
//! What a request asks for is done by the installed plugin `polypod`, in the host's namespaces, so that records, locks and
//! undoing are the same as everywhere. [`request`], [`overlay`] and [`reply`] are functions of values; [`execute`] and
//! [`server`] do it.

pub mod args;
pub mod enter;
pub mod execute;
pub mod overlay;
pub mod reply;
pub mod request;
pub mod server;
pub mod service;
mod times;
pub mod turns;

pub use self::{args::HotplugArgs, overlay::Overlay, server::serve, service::Service};
