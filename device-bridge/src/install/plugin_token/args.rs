//! The command line about the plugin's token.

use clap::Args;

/// Whose tokens the plugin's kubeconfig gets.
#[derive(Clone, Debug, Args)]
pub struct PluginTokenArgs {
    /// The service account, in this process's own namespace, whose tokens the plugin's kubeconfig gets, each bound to this node; without it the kubeconfig gets this process's own token
    #[arg(
        long,
        env = "POLYPOD_INSTALL_PLUGIN_SERVICE_ACCOUNT",
        value_name = "NAME"
    )]
    pub plugin_service_account: Option<String>,

    /// How long such a token lives; the next one is asked for after about three quarters of it
    #[arg(
        long,
        env = "POLYPOD_INSTALL_PLUGIN_TOKEN_LIFE",
        value_name = "SECONDS",
        default_value_t = 3600,
        value_parser = clap::value_parser!(u32).range(600..=86400)
    )]
    pub plugin_token_life: u32,
}
