//! Writes a node's report: two objects in the API server, or two files.

use std::{fs, io, io::Write as _, path::PathBuf, sync::Arc, time::Duration};

use api::{node_inventory::NodeInventory, node_resource_topology::NodeResourceTopology};
use k8s_openapi::{ClusterResourceScope, Resource as _, api::core::v1::Node};
use kube::{
    Api, Client,
    api::{PartialObjectMeta, Patch, PatchParams},
    core::{ApiResource, DynamicObject, Request},
};
use serde::Serialize;
use serde_json::Value;
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};

use crate::{api_error, metrics::Metrics};

/// The name by which the API server records whose the objects are.
const FIELD_MANAGER: &str = "polypod-device-bridge";

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(8);

/// After what time it is asked again whether the cluster takes an object that it did not take.
const SELDOM: Duration = Duration::from_secs(600);

/// Where reports go.
#[derive(Clone)]
pub enum Destination {
    /// To the API server.
    Cluster(Client),
    /// To `<node>.inventory.json` and `<node>.topology.json` of this folder.
    Folder(PathBuf),
}

impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cluster(_) => f.write_str("Cluster"),
            Self::Folder(folder) => f.debug_tuple("Folder").field(folder).finish(),
        }
    }
}

/// Why a report is not written.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The API server.
    #[error("cannot {what}: {problem}")]
    Cluster {
        /// What was attempted.
        what: String,
        /// What it says, and what to do.
        problem: String,
    },
    /// The object.
    #[error("cannot print a report: {0}")]
    Print(#[source] serde_json::Error),
    /// A file.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes the reports of one node.
#[derive(Debug)]
pub struct Publisher {
    destination: Destination,
    node: String,
    metrics: Arc<Metrics>,
    inventory: Standing,
    topology: Standing,
    /// The UID of the object that was written last: another one means that somebody removed it, which is what happens when
    /// the node is made anew.
    written: Option<String>,
}

/// What is known of one of the objects.
#[derive(Clone, Copy, Debug)]
struct Standing {
    what: &'static str,
    /// Not before.
    next: Option<Instant>,
}

/// How writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is written, or the cluster does not take it, which was said.
    Done,
    /// It is written, and it was not there any more.
    Remade,
}

/// What was there when the agent started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The epoch of the last report.
    pub epoch: Option<u64>,
    /// The node's UID, where this agent may read it.
    pub node_uid: Option<String>,
}

impl Publisher {
    /// For `node`.
    #[must_use]
    pub const fn new(destination: Destination, node: String, metrics: Arc<Metrics>) -> Self {
        Self {
            destination,
            node,
            metrics,
            inventory: Standing {
                what: "node-inventory",
                next: None,
            },
            topology: Standing {
                what: "node-resource-topology",
                next: None,
            },
            written: None,
        }
    }

    /// What was published before, and of which node. Without an inventory nobody looks at epochs.
    ///
    /// # Errors
    /// The API server cannot be asked, or has no such node: then a report would be taken for that of a node.
    pub async fn find(&self, with_epoch: bool) -> Result<Found, PublishError> {
        match &self.destination {
            Destination::Folder(folder) => {
                let path = folder.join(format!("{}.inventory.json", self.node));
                let text = fs::read_to_string(path).ok();
                let object: Option<Value> = text.and_then(|text| serde_json::from_str(&text).ok());
                Ok(Found {
                    epoch: object.as_ref().and_then(epoch),
                    node_uid: None,
                })
            }
            Destination::Cluster(client) => Ok(Found {
                node_uid: self.node_uid(client).await?,
                epoch: if with_epoch {
                    self.epoch(client).await?
                } else {
                    None
                },
            }),
        }
    }

    async fn node_uid(&self, client: &Client) -> Result<Option<String>, PublishError> {
        let api: Api<Node> = Api::all(client.clone());
        let what = || format!("read node {}", self.node);
        match within(api.get_metadata_opt(&self.node)).await {
            Ok(Some(node)) => Ok(node.metadata.uid),
            Ok(None) => Err(PublishError::Cluster {
                what: what(),
                problem: "there is no such node; check --node-name".to_owned(),
            }),
            // Then the objects outlive the node, and that is all.
            Err(error) if matches!(api_error::status_code(&error), Some(401 | 403)) => {
                tracing::debug!(node = self.node, "The node may not be read");
                Ok(None)
            }
            Err(error) => Err(cluster(what(), &error)),
        }
    }

    async fn epoch(&self, client: &Client) -> Result<Option<u64>, PublishError> {
        let kind = ApiResource {
            group: NodeInventory::GROUP.to_owned(),
            version: NodeInventory::VERSION.to_owned(),
            api_version: NodeInventory::API_VERSION.to_owned(),
            kind: NodeInventory::KIND.to_owned(),
            plural: NodeInventory::URL_PATH_SEGMENT.to_owned(),
        };
        // Whatever else an older or newer agent has written there is of no interest.
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
        match within(api.get(&self.node)).await {
            Ok(object) => Ok(epoch(&object.data)),
            Err(error) if api_error::status_code(&error) == Some(404) => Ok(None),
            Err(error) => Err(cluster(format!("read NodeInventory {}", self.node), &error)),
        }
    }

    /// An object as it is written: packed for the API server, with line breaks for people who read a file. `size` is how
    /// long it is about, so that a megabyte is not moved from one buffer to the next.
    ///
    /// # Errors
    /// It cannot be printed.
    pub fn print(&self, object: &impl Serialize, size: usize) -> Result<Vec<u8>, PublishError> {
        let mut text = Vec::with_capacity(size);
        let printed = match &self.destination {
            Destination::Cluster(_) => serde_json::to_writer(&mut text, object),
            Destination::Folder(_) => {
                serde_json::to_writer_pretty(&mut text, object).map(|()| text.push(b'\n'))
            }
        };
        printed.map_err(PublishError::Print)?;
        Ok(text)
    }

    /// The UID of the inventory that was written last.
    #[must_use]
    pub fn inventory_uid(&self) -> Option<String> {
        self.written.clone()
    }

    /// Writes the inventory, a [`NodeInventory`] that [`Self::print`] printed.
    ///
    /// # Errors
    /// It is not written.
    pub async fn inventory(&mut self, printed: Vec<u8>) -> Result<Outcome, PublishError> {
        let client = match &self.destination {
            Destination::Folder(folder) => {
                let path = folder.join(format!("{}.inventory.json", self.node));
                let written = write(path, printed).await;
                return counted(&self.metrics, self.inventory, written);
            }
            Destination::Cluster(client) => client.clone(),
        };
        // It is ours, and nobody else's.
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let standing = &mut self.inventory;
        let applied = apply::<NodeInventory>(
            &client,
            &self.metrics,
            standing,
            &parameters,
            &self.node,
            printed,
        );
        let Some(uid) = applied.await? else {
            return Ok(Outcome::Done);
        };
        let before = self.written.replace(uid);
        let is_remade = before.is_some() && before != self.written;
        Ok(if is_remade {
            Outcome::Remade
        } else {
            Outcome::Done
        })
    }

    /// Writes a [`NodeResourceTopology`] that [`Self::print`] printed. One that another agent of the node writes is left
    /// to it.
    ///
    /// # Errors
    /// It is not written.
    pub async fn topology(&mut self, printed: Vec<u8>) -> Result<(), PublishError> {
        let client = match &self.destination {
            Destination::Folder(folder) => {
                let path = folder.join(format!("{}.topology.json", self.node));
                let written = write(path, printed).await;
                return counted(&self.metrics, self.topology, written).map(drop);
            }
            Destination::Cluster(client) => client.clone(),
        };
        let parameters = PatchParams::apply(FIELD_MANAGER);
        let standing = &mut self.topology;
        let applied = apply::<NodeResourceTopology>(
            &client,
            &self.metrics,
            standing,
            &parameters,
            &self.node,
            printed,
        );
        applied.await.map(drop)
    }
}

/// Applies an object; gives its UID. `None` when the cluster does not take it.
async fn apply<K>(
    client: &Client,
    metrics: &Metrics,
    standing: &mut Standing,
    parameters: &PatchParams,
    name: &str,
    printed: Vec<u8>,
) -> Result<Option<String>, PublishError>
where
    K: kube::Resource<DynamicType = (), Scope = ClusterResourceScope>,
{
    let now = Instant::now();
    if standing.next.is_some_and(|next| now < next) {
        return Ok(None);
    }
    let kind = K::kind(&());
    // The answer would be as large as the object, and of it the UID alone matters.
    let request = Request::new(K::url_path(&(), None)).patch_metadata(
        name,
        parameters,
        &Patch::Apply(Value::Null),
    );
    let result = match request {
        Ok(request) => {
            // It is printed already.
            let request = request.map(|_| printed);
            within(client.request::<PartialObjectMeta<K>>(request)).await
        }
        Err(error) => Err(kube::Error::BuildRequest(error)),
    };
    let error = match result {
        Ok(written) => {
            standing.next = None;
            metrics.count_published(standing.what, "ok");
            return Ok(Some(written.metadata.uid.unwrap_or_default()));
        }
        Err(error) => error,
    };
    match api_error::status_code(&error) {
        // Applying creates what is missing: missing is the kind.
        Some(404) => {
            metrics.count_published(standing.what, "unknown_kind");
            tracing::info!(
                %kind,
                again_after = ?SELDOM,
                "Not published: the API server does not know the kind; create its CustomResourceDefinition, or leave it out of --publish-topology"
            );
        }
        Some(409) => {
            metrics.count_published(standing.what, "conflict");
            tracing::warn!(
                %kind,
                name,
                problem = api_error::describe(&error),
                again_after = ?SELDOM,
                "Not published: somebody else writes this object; stop that agent and remove the object, or leave the kind out of --publish-topology"
            );
        }
        _ => {
            metrics.count_published(standing.what, "error");
            return Err(cluster(format!("apply {kind} {name}"), &error));
        }
    }
    standing.next = Some(now + SELDOM);
    Ok(None)
}

fn counted(
    metrics: &Metrics,
    standing: Standing,
    written: Result<(), PublishError>,
) -> Result<Outcome, PublishError> {
    let outcome = if written.is_ok() { "ok" } else { "error" };
    metrics.count_published(standing.what, outcome);
    written.map(|()| Outcome::Done)
}

/// Writes a file at once: who reads it sees the old report or the new one. The one thread has pods to answer.
async fn write(path: PathBuf, text: Vec<u8>) -> Result<(), PublishError> {
    let of_error = path.clone();
    let written = spawn_blocking(move || -> io::Result<()> {
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&text)?;
        file.persist(&path)?;
        Ok(())
    });
    let written = written.await.unwrap_or_else(|error| Err(error.into()));
    written.map_err(|source| PublishError::File {
        path: of_error,
        source,
    })
}

fn epoch(object: &Value) -> Option<u64> {
    object.get("epoch")?.as_u64()
}

fn cluster(what: String, error: &kube::Error) -> PublishError {
    let advice = match api_error::status_code(error) {
        Some(401 | 403) => "; check the role that polypod-device-bridge is bound to",
        _ => "",
    };
    PublishError::Cluster {
        what,
        problem: format!("{}{advice}", api_error::describe(error)),
    }
}

async fn within<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, kube::Error> {
    timeout(REQUEST, request)
        .await
        .unwrap_or_else(|elapsed| Err(kube::Error::Service(Box::new(elapsed))))
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
