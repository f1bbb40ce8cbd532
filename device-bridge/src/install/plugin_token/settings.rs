//! Which token the plugin gets.

use std::{path::PathBuf, time::Duration};

use spec::network::ObjectName;

use super::args::PluginTokenArgs;

/// The life that API servers extend to a year (`--service-account-extend-token-expiration`, on by default): the kubelet asks
/// for it where a pod says nothing. <https://github.com/kubernetes/enhancements/tree/master/keps/sig-auth/1205-bound-service-account-tokens>
const EXTENDED_TO_A_YEAR: u32 = 3607;

/// Which token the plugin gets, and with what it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginToken {
    /// The service account, in the namespace of this process.
    pub account: ObjectName,
    /// The Node that its tokens are bound to.
    pub node: ObjectName,
    /// How long a token is to live.
    pub life: Duration,
    /// The API server's URL, as this process reaches it.
    pub server: String,
    /// The folder with this process's own `token`, `ca.crt` and `namespace`.
    pub service_account: PathBuf,
}

/// An argument about the plugin's token that cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginTokenError {
    /// There is no kubeconfig to put a token into.
    #[error("--plugin-service-account needs --plugin-kubeconfig: say where the plugin finds it")]
    NoKubeconfig,
    /// It is not known which Node tokens are bound to.
    #[error(
        "--plugin-service-account needs --node-name (or NODE_NAME): its tokens are bound to this node"
    )]
    NoNode,
    /// A name that no Node has.
    #[error("--node-name is not valid: {0}")]
    Node(spec::NameError),
    /// A name that no service account has.
    #[error("--plugin-service-account is not valid: {0}")]
    Account(spec::NameError),
    /// A life that is none.
    #[error(
        "--plugin-token-life {EXTENDED_TO_A_YEAR} is the one life that API servers extend to a year; write 3600"
    )]
    ExtendedToAYear,
}

impl PluginToken {
    /// What the arguments ask for, if anything.
    ///
    /// # Errors
    /// An argument is missing or cannot be carried out.
    pub fn of(
        args: PluginTokenArgs,
        node_name: Option<&str>,
        server: String,
        service_account: PathBuf,
    ) -> Result<Option<Self>, PluginTokenError> {
        let PluginTokenArgs {
            plugin_service_account,
            plugin_token_life,
        } = args;
        let Some(account) = plugin_service_account else {
            return Ok(None);
        };
        if plugin_token_life == EXTENDED_TO_A_YEAR {
            return Err(PluginTokenError::ExtendedToAYear);
        }
        let node = node_name
            .filter(|name| !name.is_empty())
            .ok_or(PluginTokenError::NoNode)?;
        Ok(Some(Self {
            account: account.parse().map_err(PluginTokenError::Account)?,
            node: node.parse().map_err(PluginTokenError::Node)?,
            life: Duration::from_secs(plugin_token_life.into()),
            server,
            service_account,
        }))
    }
}
