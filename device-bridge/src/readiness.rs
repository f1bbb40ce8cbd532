//! Whether plugins should ask here.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering},
};

use tokio::sync::watch as flag;

/// How far the process has come.
#[derive(Debug, Default)]
pub struct Readiness {
    stage: AtomicU8,
    /// Whether the node's configuration is as it ought to be, where this process keeps it so.
    installed: OnceLock<flag::Receiver<bool>>,
}

const SYNCING: u8 = 0;
const OPENING: u8 = 1;
const SERVING: u8 = 2;
const STOPPING: u8 = 3;

impl Readiness {
    /// The node's configuration must be installed as well.
    pub fn needs(&self, installed: flag::Receiver<bool>) {
        // It is the first and only one.
        let _set = self.installed.set(installed);
    }

    /// Pods and networks are known.
    pub fn synced(&self) {
        self.stage.fetch_max(OPENING, Ordering::AcqRel);
    }

    /// The socket is listened on.
    pub fn serving(&self) {
        self.stage.fetch_max(SERVING, Ordering::AcqRel);
    }

    /// The process is about to end. There is no way back.
    pub fn stopping(&self) {
        self.stage.fetch_max(STOPPING, Ordering::AcqRel);
    }

    fn is_installed(&self) -> bool {
        self.installed
            .get()
            .is_none_or(|installed| *installed.borrow())
    }

    /// Why not, or nothing.
    #[must_use]
    pub fn obstacle(&self) -> Option<&'static str> {
        match self.stage.load(Ordering::Acquire) {
            SYNCING => Some(
                "the pods of this node and the networks are not known yet; is the API server reachable?",
            ),
            OPENING => Some("the socket is not listened on yet"),
            SERVING if self.is_installed() => None,
            SERVING => Some(
                "the node's CNI configuration is not as it ought to be; the log says what stands in the way",
            ),
            _ => Some("the process is stopping"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_start_to_stop() {
        let readiness = Readiness::default();
        let says = |words: &str| {
            readiness
                .obstacle()
                .is_some_and(|said| said.contains(words))
        };
        assert!(says("not known"));
        readiness.synced();
        assert!(says("socket"));
        readiness.serving();
        assert_eq!(readiness.obstacle(), None);
        let (installed, is_installed) = flag::channel(false);
        readiness.needs(is_installed);
        assert!(says("configuration"));
        installed.send_replace(true);
        assert_eq!(readiness.obstacle(), None);
        readiness.stopping();
        readiness.serving();
        assert!(says("stopping"));
    }
}
