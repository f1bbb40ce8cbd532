//! Asks the API server for the plugin's token, and whether it takes it.
//!
//! With a new client each time: token and CA of this process are then those that the kubelet projects at that time, and a
//! question every three quarters of an hour is no reason to keep a connection.

use std::{fs, io, path::PathBuf, time::Duration};

use k8s_openapi::api::{
    authentication::v1::{BoundObjectReference, SelfSubjectReview, TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    config::{AuthInfo, KubeConfigOptions},
};
use tokio::time::timeout;

use super::{PluginToken, Token};
use crate::{api_error, install::kubeconfig};

/// How long one question may take.
const REQUEST: Duration = Duration::from_secs(15);

/// A token, and how long it lives from the question on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The token.
    pub token: Token,
    /// How long it lives. The API server may give less than was asked for.
    pub life: Duration,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// A file of this process's own service account.
    #[error("cannot read {}: {source}; mount the service account there, or give --service-account-dir", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The client cannot be made.
    #[error("cannot make a client of the API server {server}: {problem}")]
    Client {
        /// Its URL.
        server: String,
        /// What is wrong.
        problem: String,
    },
    /// It does not bind tokens to Nodes.
    #[error("the API server binds no tokens to Nodes, which it does from Kubernetes 1.31 on: {0}")]
    Unsupported(String),
    /// It refuses, or cannot be asked.
    #[error("cannot get a token of service account {account}, bound to Node {node}: {problem}")]
    Refused {
        /// Whose.
        account: String,
        /// The Node.
        node: String,
        /// What it says, and what to do.
        problem: String,
    },
}

/// Who gives tokens.
pub trait Issuer {
    /// Asks for a token.
    ///
    /// # Errors
    /// There is none.
    fn issue(&self) -> impl Future<Output = Result<Issued, IssueError>> + Send;

    /// Whether the token is taken; `None` where that cannot be found out.
    fn takes(&self, token: &Token) -> impl Future<Output = Option<bool>> + Send;
}

/// The API server.
#[derive(Clone, Debug)]
pub struct ApiServer {
    settings: PluginToken,
}

impl ApiServer {
    /// By these settings.
    #[must_use]
    pub const fn new(settings: PluginToken) -> Self {
        Self { settings }
    }

    fn read(&self, name: &str) -> Result<String, IssueError> {
        let path = self.settings.service_account.join(name);
        fs::read_to_string(&path).map_err(|source| IssueError::Read { path, source })
    }

    async fn client(&self, as_whom: AuthInfo) -> Result<Client, IssueError> {
        let server = &self.settings.server;
        let failed = |problem: String| IssueError::Client {
            server: server.clone(),
            problem,
        };
        let kubeconfig = kubeconfig::of(server, &self.read("ca.crt")?, as_whom);
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|error| failed(error.to_string()))?;
        Client::try_from(config).map_err(|error| failed(api_error::describe(&error)))
    }

    fn refused(&self, namespace: &str, problem: String) -> IssueError {
        IssueError::Refused {
            account: format!("{namespace}/{}", self.settings.account),
            node: self.settings.node.to_string(),
            problem,
        }
    }
}

impl Issuer for ApiServer {
    async fn issue(&self) -> Result<Issued, IssueError> {
        let own = AuthInfo {
            token: Some(self.read("token")?.trim().to_owned().into()),
            ..AuthInfo::default()
        };
        let client = self.client(own).await?;
        let namespace = self.read("namespace")?;
        request(&client, &self.settings, namespace.trim())
            .await
            .map_err(|fault| match fault {
                Fault::Unsupported(problem) => IssueError::Unsupported(problem),
                Fault::Other(problem) => self.refused(namespace.trim(), problem),
            })
    }

    async fn takes(&self, token: &Token) -> Option<bool> {
        let of_plugin = AuthInfo {
            token: Some(token.secret().to_owned().into()),
            ..AuthInfo::default()
        };
        match self.client(of_plugin).await {
            Ok(client) => is_taken(&client).await,
            Err(error) => {
                tracing::debug!(%error, "Not known whether the plugin's token is taken");
                None
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Unsupported(String),
    Other(String),
}

async fn request(
    client: &Client,
    settings: &PluginToken,
    namespace: &str,
) -> Result<Issued, Fault> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let wanted = TokenRequest {
        spec: Some(TokenRequestSpec {
            // That is the API server.
            audiences: None,
            // The API server knows the Node's uid, and binds the token to it.
            bound_object_ref: Some(BoundObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Node".to_owned()),
                name: Some(settings.node.to_string()),
                uid: None,
            }),
            expiration_seconds: i64::try_from(settings.life.as_secs()).ok(),
        }),
        ..TokenRequest::default()
    };
    let parameters = PostParams::default();
    let asking = api.create_token_request(settings.account.as_str(), &parameters, &wanted);
    match timeout(REQUEST, asking).await {
        Ok(Ok(given)) => issued(&given).ok_or_else(|| {
            Fault::Other("the API server answered with no token, or one without a life".to_owned())
        }),
        Ok(Err(error)) => Err(fault(&error)),
        Err(_) => Err(Fault::Other(format!(
            "the API server did not answer within {} seconds",
            REQUEST.as_secs()
        ))),
    }
}

/// The token of an answer. How long it lives is what the API server has written over what was asked for, so that no clock of
/// this machine has to be right.
fn issued(given: &TokenRequest) -> Option<Issued> {
    let status = given.status.as_ref()?;
    let seconds = u64::try_from(given.spec.as_ref()?.expiration_seconds?).ok()?;
    (seconds > 0).then_some(Issued {
        token: Token::new(status.token.as_deref()?)?,
        life: Duration::from_secs(seconds),
    })
}

fn fault(error: &kube::Error) -> Fault {
    let problem = api_error::describe(error);
    let advice = match api_error::status_code(error) {
        Some(400) if problem.contains("cannot bind token") => return Fault::Unsupported(problem),
        Some(401) => "; this process's own token is not taken, look whether its volume is renewed",
        Some(403) if problem.contains("polypod.dev/api-audiences") => {
            "; the API server's own audiences (kubectl create token polypod-plugin -n polypod-system has them) are to be in the annotation"
        }
        Some(403) => {
            "; it needs create on serviceaccounts/token, for the node that its own token names (manifests/base/credentials)"
        }
        Some(404) => {
            "; service account and Node must be there (manifests/base/credentials, --node-name)"
        }
        _ => "",
    };
    Fault::Other(format!("{problem}{advice}"))
}

/// Everybody who is known may ask who they are.
async fn is_taken(client: &Client) -> Option<bool> {
    let api: Api<SelfSubjectReview> = Api::all(client.clone());
    let (parameters, review) = (PostParams::default(), SelfSubjectReview::default());
    match timeout(REQUEST, api.create(&parameters, &review)).await {
        Ok(Ok(_)) => Some(true),
        Ok(Err(error)) if api_error::status_code(&error) == Some(401) => Some(false),
        Ok(Err(_)) | Err(_) => None,
    }
}

#[cfg(test)]
#[path = "issuer_tests.rs"]
mod tests;
