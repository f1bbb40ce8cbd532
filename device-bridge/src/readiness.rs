//! Whether plugins should ask here.

use std::sync::OnceLock;

use tokio::sync::watch;

use crate::install::standing::Standing;

/// Whether plugins should ask here, and why not.
#[derive(Debug, Default)]
pub struct Readiness {
    stage: watch::Sender<Stage>,
    /// How the node's configuration stands, where this process keeps it.
    installed: OnceLock<watch::Receiver<Standing>>,
}

/// How far the process has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Pods and networks are not known yet.
    #[default]
    Syncing,
    /// The socket is not listened on yet.
    Opening,
    /// Plugins are answered.
    Serving,
    /// The process is about to end.
    Stopping,
}

impl Stage {
    /// Why plugins are not answered, or nothing.
    #[must_use]
    pub const fn obstacle(self) -> Option<&'static str> {
        match self {
            Self::Syncing => Some(
                "the pods of this node and the networks are not known yet; is the API server reachable?",
            ),
            Self::Opening => Some("the socket is not listened on yet"),
            Self::Serving => None,
            Self::Stopping => Some("the process is stopping"),
        }
    }
}

impl Readiness {
    /// The node's configuration must be installed as well.
    pub fn needs(&self, installed: watch::Receiver<Standing>) {
        // It is the first and only one.
        let _set = self.installed.set(installed);
    }

    /// Pods and networks are known.
    pub fn synced(&self) {
        self.reach(Stage::Opening);
    }

    /// The socket is listened on.
    pub fn serving(&self) {
        self.reach(Stage::Serving);
    }

    /// The process is about to end. There is no way back.
    pub fn stopping(&self) {
        self.reach(Stage::Stopping);
    }

    fn reach(&self, stage: Stage) {
        self.stage.send_if_modified(|reached| {
            let is_news = *reached < stage;
            *reached = stage.max(*reached);
            is_news
        });
    }

    /// How far the process has come, and comes.
    #[must_use]
    pub fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// How the node's configuration stands, where this process keeps it.
    #[must_use]
    pub fn installed(&self) -> Option<watch::Receiver<Standing>> {
        self.installed.get().cloned()
    }

    /// Why not, or nothing.
    #[must_use]
    pub fn obstacle(&self) -> Option<&'static str> {
        let installed = self.installed.get();
        let is_installed = || installed.is_none_or(|installed| installed.borrow().is_ready);
        self.stage.borrow().obstacle().or_else(|| {
            (!is_installed()).then_some(
                "the node's CNI configuration is not as it ought to be; the log says what stands in the way",
            )
        })
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
        let (installed, is_installed) = watch::channel(Standing::default());
        readiness.needs(is_installed);
        assert!(says("configuration"));
        installed.send_modify(|standing| standing.is_ready = true);
        assert_eq!(readiness.obstacle(), None);
        readiness.stopping();
        readiness.serving();
        assert!(says("stopping"));
    }
}
