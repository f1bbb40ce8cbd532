//! The claims, templates and classes of the cluster, as small as decisions allow.

use std::collections::BTreeMap;

use api::objects::{Object, ObjectsError};
use k8s_openapi::{
    api::resource::v1::{DeviceClass, ResourceClaim, ResourceClaimTemplate},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde::de::DeserializeOwned;

use super::{Claimed, Class, claimed};

/// Everything about claims of devices.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    /// ResourceClaims that stand by themselves.
    pub claims: ClaimIndex,
    /// ResourceClaimTemplates.
    pub templates: TemplateIndex,
    /// DeviceClasses.
    pub classes: ClassIndex,
}

/// What is asked for, by namespace and name.
#[derive(Clone, Debug, Default)]
struct ByName(BTreeMap<String, BTreeMap<String, Claimed>>);

/// The ResourceClaims that pods can name.
#[derive(Clone, Debug, Default)]
pub struct ClaimIndex(ByName);

/// The ResourceClaimTemplates.
#[derive(Clone, Debug, Default)]
pub struct TemplateIndex(ByName);

/// The DeviceClasses, by name.
#[derive(Clone, Debug, Default)]
pub struct ClassIndex(BTreeMap<String, Class>);

impl ClaimIndex {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a claim or replaces it. One that was made for a pod is passed over: there are as many of them as pods, and that
    /// pod is there already.
    pub fn insert(&mut self, claim: &ResourceClaim) {
        if !is_made_for_a_pod(&claim.metadata) {
            self.0.insert(&claim.metadata, claimed(&claim.spec));
        }
    }

    /// Removes a claim.
    pub fn remove(&mut self, claim: &ResourceClaim) {
        self.0.remove(&claim.metadata);
    }

    /// What a claim asks for.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&Claimed> {
        self.0.get(namespace, name)
    }
}

impl TemplateIndex {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a template or replaces it.
    pub fn insert(&mut self, template: &ResourceClaimTemplate) {
        self.0
            .insert(&template.metadata, claimed(&template.spec.spec));
    }

    /// Removes a template.
    pub fn remove(&mut self, template: &ResourceClaimTemplate) {
        self.0.remove(&template.metadata);
    }

    /// What the claims ask for that are made from a template.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&Claimed> {
        self.0.get(namespace, name)
    }
}

impl ClassIndex {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a class or replaces it.
    pub fn insert(&mut self, class: &DeviceClass) {
        if let Some(name) = &class.metadata.name {
            self.0.insert(name.clone(), Class::of(class));
        }
    }

    /// Removes a class.
    pub fn remove(&mut self, class: &DeviceClass) {
        if let Some(name) = &class.metadata.name {
            self.0.remove(name);
        }
    }

    /// Whether a class gives its devices as this extended resource.
    pub(crate) fn give(&self, resource: &str) -> bool {
        self.0.values().any(|class| class.gives(resource))
    }

    /// The class of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Class> {
        self.0.get(name)
    }
}

impl Devices {
    /// Adds those among the objects of files; one without a namespace is in `default_namespace`.
    ///
    /// # Errors
    /// One does not fit its kind.
    pub fn extend(
        &mut self,
        objects: &[Object],
        default_namespace: &str,
    ) -> Result<(), ObjectsError> {
        let place = |metadata: &mut ObjectMeta| {
            metadata
                .namespace
                .get_or_insert_with(|| default_namespace.to_owned());
        };
        for object in objects {
            if object.api_version != "resource.k8s.io/v1" {
                continue;
            }
            match object.kind.as_str() {
                "ResourceClaim" => {
                    let mut claim: ResourceClaim = read(object)?;
                    place(&mut claim.metadata);
                    self.claims.insert(&claim);
                }
                "ResourceClaimTemplate" => {
                    let mut template: ResourceClaimTemplate = read(object)?;
                    place(&mut template.metadata);
                    self.templates.insert(&template);
                }
                "DeviceClass" => self.classes.insert(&read(object)?),
                _ => {}
            }
        }
        Ok(())
    }
}

impl ByName {
    fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    fn insert(&mut self, metadata: &ObjectMeta, claimed: Claimed) {
        if let (Some(namespace), Some(name)) = (&metadata.namespace, &metadata.name) {
            let of_namespace = self.0.entry(namespace.clone()).or_default();
            of_namespace.insert(name.clone(), claimed);
        }
    }

    fn remove(&mut self, metadata: &ObjectMeta) {
        if let (Some(namespace), Some(name)) = (&metadata.namespace, &metadata.name)
            && let Some(of_namespace) = self.0.get_mut(namespace)
        {
            of_namespace.remove(name);
            if of_namespace.is_empty() {
                self.0.remove(namespace);
            }
        }
    }

    fn get(&self, namespace: &str, name: &str) -> Option<&Claimed> {
        self.0.get(namespace)?.get(name)
    }
}

fn is_made_for_a_pod(metadata: &ObjectMeta) -> bool {
    let owners = metadata.owner_references.iter().flatten();
    owners
        .filter(|owner| owner.controller == Some(true))
        .any(|owner| owner.kind == "Pod" && owner.api_version == "v1")
}

fn read<T: DeserializeOwned>(object: &Object) -> Result<T, ObjectsError> {
    serde_json::from_value(object.value.clone()).map_err(|problem| ObjectsError::Invalid {
        origin: object.origin.clone(),
        kind: object.kind.clone(),
        problem: problem.to_string(),
    })
}
