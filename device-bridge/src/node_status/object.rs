//! The status in the API server: read once, written by server-side apply of the subresource.

use std::time::Duration;

use api::node_inventory::{NodeInventory, NodeInventoryStatus};
use k8s_openapi::{Resource as _, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Client, Resource as _,
    api::{GetParams, PartialObjectMeta, Patch, PatchParams},
    core::Request,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::time::timeout;
use tonic::codegen::http::{self, HeaderValue, header};

use crate::api_error;

/// The name by which the API server records whose the status is.
const FIELD_MANAGER: &str = "polypod-device-bridge";

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(8);

/// Of the answer nothing matters, and the object may have a megabyte.
const METADATA_ALONE: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");

/// What is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// The object's UID.
    pub uid: Option<String>,
    /// Its status.
    pub status: NodeInventoryStatus,
}

/// Why the status is not read or written.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// There is no object, which is made by the first report.
    #[error("there is no NodeInventory {node} yet")]
    Absent {
        /// The node.
        node: String,
    },
    /// The object has no status to be written, or is gone: the API server says the same of both.
    #[error(
        "NodeInventory {node} takes no status, or is gone; apply manifests/crds, whose CustomResourceDefinition has the subresource"
    )]
    Unsupported {
        /// The node.
        node: String,
    },
    /// What is there is another status than was thought.
    #[error("cannot write the status of NodeInventory {node}: {problem}")]
    Other {
        /// The node.
        node: String,
        /// What the API server says.
        problem: String,
    },
    /// The API server does not let it, or does not answer.
    #[error("cannot {what} NodeInventory {node}: {problem}")]
    Failed {
        /// What was attempted.
        what: &'static str,
        /// The node.
        node: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// The part of the object that is read. The rest may be of another version.
#[derive(Debug, Deserialize)]
struct Read {
    metadata: ObjectMeta,
    #[serde(default)]
    status: Option<NodeInventoryStatus>,
}

/// The status of one node's NodeInventory.
#[derive(Clone)]
pub struct Object {
    client: Client,
    node: String,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Object").field(&self.node).finish()
    }
}

impl Object {
    /// That of `node`.
    #[must_use]
    pub const fn new(client: Client, node: String) -> Self {
        Self { client, node }
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// There is no object, or it cannot be read.
    pub async fn read(&self) -> Result<Stored, StatusError> {
        let request = path().get(&self.node, &GetParams::default());
        match self.ask::<Read>(request).await {
            Ok(Read { metadata, status }) => Ok(Stored {
                uid: metadata.uid,
                status: status.unwrap_or_default(),
            }),
            Err(error) if api_error::status_code(&error) == Some(404) => Err(StatusError::Absent {
                node: self.node.clone(),
            }),
            Err(error) => Err(self.failed("read the status of", &error)),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// It is not written.
    pub async fn write(&self, status: &NodeInventoryStatus) -> Result<(), StatusError> {
        let node = || self.node.clone();
        let Err(error) = self.apply(status).await else {
            return Ok(());
        };
        Err(match api_error::status_code(&error) {
            Some(404) => StatusError::Unsupported { node: node() },
            Some(409 | 422) => StatusError::Other {
                node: node(),
                problem: api_error::describe(&error),
            },
            _ => self.failed("write the status of", &error),
        })
    }

    async fn apply(
        &self,
        status: &impl Serialize,
    ) -> Result<PartialObjectMeta<NodeInventory>, kube::Error> {
        let body = json!({"apiVersion": NodeInventory::API_VERSION, "kind": NodeInventory::KIND,
            "metadata": {"name": self.node}, "status": status});
        // It is ours, and nobody else's.
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let request =
            path().patch_subresource("status", &self.node, &parameters, &Patch::Apply(body));
        let request = request.map(|mut request| {
            request.headers_mut().insert(header::ACCEPT, METADATA_ALONE);
            request
        });
        self.ask(request).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, kube::Error> {
        let request = request.map_err(kube::Error::BuildRequest)?;
        timeout(REQUEST, self.client.request(request))
            .await
            .unwrap_or_else(|elapsed| Err(kube::Error::Service(Box::new(elapsed))))
    }

    fn failed(&self, what: &'static str, error: &kube::Error) -> StatusError {
        let advice = match api_error::status_code(error) {
            Some(401 | 403) => "; check the role that polypod-device-bridge is bound to",
            _ => "",
        };
        StatusError::Failed {
            what,
            node: self.node.clone(),
            problem: format!("{}{advice}", api_error::describe(error)),
        }
    }
}

fn path() -> Request {
    Request::new(NodeInventory::url_path(&(), None))
}
