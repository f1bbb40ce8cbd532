//! How the node's configuration stands, for whoever tells of it.

use super::keeper::Turn;

/// As it ought to be.
pub const INSTALLED: &str = "Installed";

/// Something could not be read, written or executed.
pub const FAILED: &str = "InstallFailed";

/// The plugin is not there, so no configuration names it.
pub const NO_PLUGIN: &str = "PluginMissing";

/// The plugin's token is being asked for the first time.
pub const TOKEN_AWAITED: &str = "TokenAwaited";

/// What a look at the node came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether pods get what this node is configured for.
    pub is_ready: bool,
    /// Why, in a word. Nothing until somebody has looked.
    pub reason: Option<&'static str>,
    /// What is not as it should be, in words; some of it may be while it is ready.
    pub problems: Vec<String>,
    /// The file that runtimes take.
    pub runtime_configuration: Option<String>,
    /// The version of the plugin that is installed, if it says one.
    pub plugin_version: Option<String>,
}

impl Standing {
    /// After a look.
    #[must_use]
    pub fn of(turn: &Turn) -> Self {
        let reason = match turn.cause {
            _ if turn.is_ready => INSTALLED,
            Some(cause) => cause,
            None => FAILED,
        };
        Self {
            is_ready: turn.is_ready,
            reason: Some(reason),
            problems: turn.problems.clone(),
            runtime_configuration: turn.in_force.clone(),
            plugin_version: turn.plugin_version.clone(),
        }
    }

    /// Nobody looks any more.
    #[must_use]
    pub fn ended(self, problem: String) -> Self {
        Self {
            is_ready: false,
            reason: Some(FAILED),
            problems: vec![problem],
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_that_of_what_is_in_the_way() {
        let ready = Turn {
            is_ready: true,
            cause: Some("Unimportant"),
            ..Turn::default()
        };
        assert_eq!(Standing::of(&ready).reason, Some(INSTALLED));
        let not = |cause| Turn {
            cause,
            ..Turn::default()
        };
        assert_eq!(Standing::of(&not(Some(NO_PLUGIN))).reason, Some(NO_PLUGIN));
        assert_eq!(Standing::of(&not(None)).reason, Some(FAILED));
        let ended = Standing::of(&ready).ended("why".to_owned());
        assert!(!ended.is_ready && ended.problems == ["why"], "{ended:?}");
    }
}
