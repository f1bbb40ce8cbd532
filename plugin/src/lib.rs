//! The CNI plugin: ask, plan, execute delegates, record, undo.
//!
//! It is executed by the container runtime in the host's namespaces, once per verb, and is gone a moment later. It asks
//! the device-bridge one question and executes the delegates itself; it never talks to the API server, and it links
//! neither an async runtime nor TLS. What it decides is in [`net_conf`], [`source`], [`plan`] and [`default_route`], which are
//! functions of values; the rest does it.

pub mod add;
pub mod add_trace;
pub mod attach;
pub mod auxiliary_chain;
pub mod bridge;
pub mod chain;
pub mod check;
pub mod cluster_network;
pub mod conf_dir;
pub mod deadline;
pub mod default_route;
pub mod del;
pub mod delegate;
pub mod delegates;
pub mod detach;
pub mod device_info;
pub mod error;
pub mod gc;
pub mod hand_over;
pub mod hotplug;
pub mod log;
pub mod multus;
pub mod net_conf;
pub mod netns;
pub mod orphan;
pub mod passthru;
pub mod plan;
pub mod process;
pub mod question;
pub mod readiness;
pub mod record;
pub mod recover;
pub mod report;
pub mod run;
pub mod sandbox_file;
pub mod small_file;
pub mod source;
pub mod status;
pub mod stopwatch;
