//! The plugin's own token: of a service account with little to do, bound to this Node, and short-lived.
//!
//! [`settings`] says which token, [`timetable`] when the API server is asked (a function of what happened and of the clock),
//! [`issuer`] asks it, [`keep`] repeats that, and [`supply`] is what the keeper of the node's files sees of it: it writes the
//! kubeconfig. A token that is in hand stays until there is a better one.

pub mod args;
pub mod issuer;
pub mod keep;
pub mod settings;
pub mod supply;
pub mod timetable;

pub use settings::{PluginToken, PluginTokenError};
pub use supply::{Credential, Supply, Token};
