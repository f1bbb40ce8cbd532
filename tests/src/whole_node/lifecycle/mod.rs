//! What happens to a node in its life: its parts end, are replaced and come back, with pods on it and pods starting all the time.

mod agent;
mod alive;
mod reboot;
mod restarts;

use super::Story;

/// These stories, in their order.
pub(super) fn stories() -> Vec<Story> {
    [agent::stories(), restarts::stories(), reboot::stories()].concat()
}
