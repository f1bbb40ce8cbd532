//! The parts of the store about claims of devices.

use admission::{
    Cluster,
    device_claim::{ClaimIndex, ClassIndex, TemplateIndex},
};
use k8s_openapi::api::resource::v1::{DeviceClass, ResourceClaim, ResourceClaimTemplate};
use kube::core::DeserializeGuard;
use tracing::warn;

use crate::{indexed::Indexed, store::Part};

/// A ResourceClaim of the watch, readable or not.
pub type WatchedClaim = DeserializeGuard<ResourceClaim>;

/// A ResourceClaimTemplate of the watch, readable or not.
pub type WatchedTemplate = DeserializeGuard<ResourceClaimTemplate>;

/// A DeviceClass of the watch, readable or not.
pub type WatchedClass = DeserializeGuard<DeviceClass>;

macro_rules! indexed {
    ($index:ty, $object:ty, $part:expr, $field:ident) => {
        impl Indexed for $index {
            type Object = $object;

            const PART: Part = $part;

            fn of(cluster: &mut Cluster) -> &mut Self {
                &mut cluster.devices.$field
            }

            fn apply(&mut self, object: &Self::Object) {
                if let Some(object) = readable(object, $part) {
                    self.insert(object);
                }
            }

            fn delete(&mut self, object: &Self::Object) {
                if let Some(object) = readable(object, $part) {
                    self.remove(object);
                }
            }
        }
    };
}

indexed!(ClaimIndex, WatchedClaim, Part::Claims, claims);
indexed!(
    TemplateIndex,
    WatchedTemplate,
    Part::ClaimTemplates,
    templates
);
indexed!(ClassIndex, WatchedClass, Part::DeviceClasses, classes);

/// The object. What is not known of supplies nothing.
fn readable<K>(watched: &DeserializeGuard<K>, part: Part) -> Option<&K> {
    watched
        .0
        .as_ref()
        .inspect_err(|invalid| {
            warn!(
                error = invalid.error,
                name = invalid.metadata.name,
                kind = part.as_str(),
                "An object is passed over"
            );
        })
        .ok()
}
