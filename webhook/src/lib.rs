//! The HTTPS shell around admission: what the API server calls before it stores a pod or a network.
//!
//! Decisions are [`admission`]'s; here is what they need around them: the wire format, the networks that are known, the
//! certificate, metrics and limits. The library exists so that tests reach the routers without a process.

pub mod answer;
pub mod apart;
pub mod args;
pub mod asked;
mod audit;
pub mod body;
pub mod cert_file;
pub mod certificate;
pub mod config;
pub mod configuration_file;
pub mod configured;
pub mod control_switches;
pub mod deadline;
pub mod decide;
pub mod deliberate;
pub mod extender;
pub mod files;
pub mod health;
pub mod hook;
pub mod indexed;
pub mod indexed_claims;
pub mod instance_gauges;
pub mod listener;
pub mod live;
pub mod live_namespace;
mod logged;
pub mod logging;
pub mod metrics;
pub mod optional;
pub mod permissions;
pub mod readiness;
pub mod review;
pub mod run;
mod selects;
pub mod server;
mod shutdown;
pub mod store;
pub mod traces;
pub mod waiting;
pub mod watch;

#[cfg(test)]
mod fake_api_server;
#[cfg(test)]
mod fixture;
