//! What happens to a node in its life: its parts end, are replaced and come back, with pods on it and pods starting all the time.

mod agent;
mod alive;
mod applied;
mod multus;
mod reboot;
mod restarts;
mod uninstalled;

use super::Story;

/// These stories, in their order.
pub(super) fn stories() -> Vec<Story> {
    [
        agent::stories(),
        restarts::stories(),
        reboot::stories(),
        multus::stories(),
        uninstalled::stories(),
        applied::stories(),
    ]
    .concat()
}
