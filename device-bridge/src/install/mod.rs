//! `install` and `uninstall`: the plugin in the runtime's folder of plugins, and its configuration in the one the runtime reads.
//!
//! What is decided is decided by functions of values: [`primary`] (which configuration is the cluster network's),
//! [`generated`] (ours, made from it), [`plan`] (what to do now, after what was done before), [`hand_back`] (how to go).
//! [`plugin_token`] has a token for the plugin's kubeconfig.
//! [`keeper`] carries out one look at the node and [`run`] repeats it; [`uninstall`] is the way back,
//! for which the agent has to be gone ([`alone`]) and the sandboxes others' ([`needed`]). A node that was
//! Multus's is taken over by [`multus_conf`] and [`multus_keys`], and given back by [`give_back`] and [`restore`];
//! [`on_ours`] tells what it made from ours meanwhile.
//! At every moment the folder holds a whole configuration with which pods start: files are written beside their place and
//! renamed, nothing is removed on stop, and what cannot be read leaves the last good one in force.

pub mod alone;
pub mod args;
pub mod cached;
pub mod conf_folder;
pub mod contention;
pub mod daemon_file;
pub mod error;
mod execute;
pub mod folder_watch;
pub mod generated;
pub mod give_back;
pub mod hand_back;
pub mod hand_over;
pub mod keeper;
pub mod key_flags;
pub mod keys;
pub mod kubeconfig;
pub mod leftovers;
pub mod multus_conf;
pub mod multus_keys;
pub mod needed;
pub mod notice;
pub mod on_ours;
pub mod plan;
pub mod plugin_token;
pub mod plugin_version;
pub mod preset;
pub mod primary;
pub mod programs;
pub mod restore;
pub mod run;
pub mod settings;
pub mod standing;
pub mod uninstall;
pub mod whole_file;
