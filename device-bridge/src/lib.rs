//! The node agent: asks the kubelet which devices a pod was given and answers the plugin.
//!
//! What a sandbox gets is decided by two functions of values, [`answer::resolve`] and [`answer::assign`]. Around them is
//! what they need: the kubelet's allocation, pods and NetworkAttachmentDefinitions, the socket on which the plugin asks,
//! and the place where network-status is published. `serve` does that as a daemon, `resolve` once, as a process.

pub mod allocation;
mod annotate;
pub mod answer;
mod api_error;
pub mod args;
pub mod claims;
pub mod client;
pub mod config;
mod conversation;
pub mod devices;
pub mod event_queue;
pub mod event_writer;
mod fault;
mod frames;
pub mod health;
pub mod hotplug;
mod http_connection;
pub mod install;
pub mod kubelet;
pub mod live;
pub mod logging;
pub mod lookup;
pub mod metrics;
pub mod networks;
pub mod node_status;
pub mod objects;
pub mod outbox;
mod parsed;
mod place;
pub mod pod_event;
pub mod pod_facts;
pub mod proto;
pub mod publish;
pub mod publish_queue;
pub mod readiness;
pub mod reconcile;
pub mod refusal;
pub mod resolve;
pub mod respond;
pub mod selected;
pub mod serve;
pub mod server;
pub mod socket;
pub mod sole;
pub mod span;
pub mod spool;
mod stage;
pub mod store;
pub mod sysfs;
pub mod telemetry;
pub mod topology;
mod turns;
mod unassigned;
pub mod watch;

#[cfg(test)]
mod fake_api_server;
#[cfg(test)]
mod fake_sysfs;
#[cfg(test)]
mod fixture;
