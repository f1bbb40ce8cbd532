//! Where slices, claims and the claims of pods are found: in files, in memory, in the API server.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use k8s_openapi::api::{
    core::v1::Pod,
    resource::v1::{ResourceClaim, ResourceSlice},
};
use kube::{Api, Client, api::ListParams};
use spec::{
    bridge::{Failure, PodRef},
    cni::code,
};
use tokio::{task::JoinSet, time::timeout};

use super::{
    files::ClaimFiles,
    follow::{Followed, follow},
    objects::{ClaimResults, PodClaims},
    slices::{Slice, Slices},
};
use crate::api_error;

/// How long one read may take.
const READ: Duration = Duration::from_secs(8);

/// Slices at once.
const PAGE: u32 = 20;

/// Where they are found.
#[derive(Clone)]
pub enum ClaimSource {
    /// In files.
    Files(Arc<ClaimFiles>),
    /// In the API server, asked when they are needed.
    Live(Client),
    /// In memory, and in the API server for what is not there.
    Followed {
        /// This node.
        node: String,
        /// Its slices.
        slices: Followed,
        /// For the others.
        client: Client,
    },
}

impl std::fmt::Debug for ClaimSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Files(_) => "Files",
            Self::Live(_) => "Live",
            Self::Followed { .. } => "Followed",
        })
    }
}

impl ClaimSource {
    /// Begins to follow the slices of `node`, as one more of the `watches`.
    pub(crate) fn follow(client: &Client, node: String, watches: &mut JoinSet<()>) -> Self {
        let slices = Followed::default();
        let following = follow(client.clone(), node.clone(), Arc::clone(&slices));
        watches.spawn(following);
        Self::Followed {
            node,
            slices,
            client: client.clone(),
        }
    }

    /// Calls `use_them` with the slices that are in memory, if there are any.
    pub(crate) fn known<T>(&self, use_them: impl FnOnce(&Slices) -> T) -> Option<T> {
        match self {
            Self::Files(files) => Some(use_them(&files.slices)),
            Self::Live(_) => None,
            Self::Followed { slices, .. } => {
                let slices = slices.read().unwrap_or_else(PoisonError::into_inner);
                slices.as_ref().map(use_them)
            }
        }
    }

    /// The slices of the pod's node as they are now; `None` where files are all there is, or the node is not known.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub(crate) async fn slices_now(&self, pod: &PodRef) -> Result<Option<Slices>, Failure> {
        let (client, node) = match self {
            Self::Files(_) => return Ok(None),
            Self::Followed { node, client, .. } => (client, Some(node.clone())),
            Self::Live(client) => (client, self.pod(pod).await?.and_then(|pod| pod.node)),
        };
        let Some(node) = node else {
            return Ok(None);
        };
        let what = format!("list the ResourceSlices of node {node}");
        let api: Api<ResourceSlice> = Api::all(client.clone());
        let mut parameters = ListParams::default()
            .fields(&format!("spec.nodeName={node}"))
            .limit(PAGE);
        let mut slices = Slices::default();
        loop {
            let listing = api.list(&parameters);
            let Some(page) = read(&what, async { listing.await.map(Some) }).await? else {
                return Ok(None);
            };
            for object in &page.items {
                slices.apply(Slice::of(object));
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(Some(slices)),
            }
        }
    }

    /// What the pod says of its claims; `None` where there is no such pod, or another one of its name.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub(crate) async fn pod(&self, pod: &PodRef) -> Result<Option<PodClaims>, Failure> {
        match self {
            Self::Files(files) => {
                let key = (pod.namespace.to_string(), pod.name.to_string());
                Ok(files.pods.get(&key).cloned())
            }
            Self::Live(client) | Self::Followed { client, .. } => {
                let api: Api<Pod> = Api::namespaced(client.clone(), pod.namespace.as_str());
                let what = format!("read the claims of pod {pod}");
                let found = read(&what, api.get_opt(pod.name.as_str())).await?;
                Ok(found.map(|found| PodClaims::of(&found)))
            }
        }
    }

    /// What a claim allocated; `None` where there is no such claim.
    ///
    /// # Errors
    /// The API server cannot be asked.
    pub(crate) async fn claim(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ClaimResults>, Failure> {
        match self {
            Self::Files(files) => {
                let key = (namespace.to_owned(), name.to_owned());
                Ok(files.claims.get(&key).cloned())
            }
            Self::Live(client) | Self::Followed { client, .. } => {
                let api: Api<ResourceClaim> = Api::namespaced(client.clone(), namespace);
                let what = format!("read ResourceClaim {namespace}/{name}");
                let found = read(&what, api.get_opt(name)).await?;
                Ok(found.map(|found| ClaimResults::of(&found)))
            }
        }
    }
}

/// A kind that the API server does not know has no objects.
async fn read<T>(
    what: &str,
    reading: impl Future<Output = Result<Option<T>, kube::Error>>,
) -> Result<Option<T>, Failure> {
    match timeout(READ, reading).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) if api_error::status_code(&error) == Some(404) => Ok(None),
        Ok(Err(error)) => Err(api_error::failure(what, &error)),
        Err(_) => Err(Failure {
            code: code::TRY_AGAIN_LATER,
            message: format!(
                "cannot {what}: the API server did not answer within {} seconds; check that it can be reached from this node",
                READ.as_secs()
            ),
        }),
    }
}
