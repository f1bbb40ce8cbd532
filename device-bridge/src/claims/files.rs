//! ResourceSlices, ResourceClaims and the claims of pods in files: what `--objects` names.

use std::collections::BTreeMap;

use api::objects::{Object, ObjectsError};
use k8s_openapi::api::{
    core::v1::Pod,
    resource::v1::{ResourceClaim, ResourceSlice},
};
use kube::ResourceExt as _;
use serde::de::DeserializeOwned;

use super::{
    objects::{ClaimResults, PodClaims},
    slices::{Slice, Slices},
};

/// What files say. Pods and claims are found by namespace and name.
#[derive(Clone, Debug, Default)]
pub struct ClaimFiles {
    /// The slices of all files, which are those of this node.
    pub(super) slices: Slices,
    pub(super) pods: BTreeMap<(String, String), PodClaims>,
    pub(super) claims: BTreeMap<(String, String), ClaimResults>,
}

impl ClaimFiles {
    /// Picks them from the objects of files. Objects without a namespace are in `default`. A pod that the API server would
    /// not take as it is written has no claims.
    ///
    /// # Errors
    /// A slice or a claim does not fit its kind.
    pub fn of(objects: &[Object]) -> Result<Self, ObjectsError> {
        let mut files = Self::default();
        for object in objects {
            match (object.api_version.as_str(), object.kind.as_str()) {
                ("resource.k8s.io/v1", "ResourceSlice") => {
                    let slice: ResourceSlice = parse(object)?;
                    files.slices.apply(Slice::of(&slice));
                }
                ("resource.k8s.io/v1", "ResourceClaim") => {
                    let claim: ResourceClaim = parse(object)?;
                    files.claims.insert(key(&claim), ClaimResults::of(&claim));
                }
                ("v1", "Pod") => {
                    if let Ok(pod) = parse::<Pod>(object) {
                        files.pods.insert(key(&pod), PodClaims::of(&pod));
                    }
                }
                _ => {}
            }
        }
        Ok(files)
    }
}

fn parse<T: DeserializeOwned>(object: &Object) -> Result<T, ObjectsError> {
    serde_json::from_value(object.value.clone()).map_err(|problem| ObjectsError::Invalid {
        origin: object.origin.clone(),
        kind: object.kind.clone(),
        problem: problem.to_string(),
    })
}

fn key(object: &impl kube::Resource) -> (String, String) {
    let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
    (namespace, object.name_any())
}
