//! The annotations of networks that name resources.

use serde::{Deserialize, Serialize};
use spec::{label::LabelKey, network::RESOURCE_NAME};

/// Keys of annotations, each once, in the administrator's order. The standard one is always among them: the node knows a
/// network's device by it alone, so a pod that was not given that device would never start.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Vec<LabelKey>", into = "Vec<LabelKey>")]
pub struct ResourceNameKeys(Vec<LabelKey>);

/// A list without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no annotation is named; write {RESOURCE_NAME} at least")]
pub struct NoResourceNameKey;

impl ResourceNameKeys {
    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &LabelKey> {
        self.0.iter()
    }
}

impl TryFrom<Vec<LabelKey>> for ResourceNameKeys {
    type Error = NoResourceNameKey;

    /// Where the standard key is not named, it is put in front.
    fn try_from(named: Vec<LabelKey>) -> Result<Self, NoResourceNameKey> {
        if named.is_empty() {
            return Err(NoResourceNameKey);
        }
        let standard = standard();
        let mut keys = Vec::new();
        if !named.contains(&standard) {
            keys.push(standard);
        }
        for key in named {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Ok(Self(keys))
    }
}

impl From<ResourceNameKeys> for Vec<LabelKey> {
    fn from(keys: ResourceNameKeys) -> Self {
        keys.0
    }
}

impl Default for ResourceNameKeys {
    fn default() -> Self {
        Self(vec![standard()])
    }
}

fn standard() -> LabelKey {
    RESOURCE_NAME
        .parse()
        .expect("the key of Kubernetes's network plumbing group is a key")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_standard_key_is_always_there_and_each_key_once() {
        for (written, wanted) in [
            (json!([RESOURCE_NAME]), json!([RESOURCE_NAME])),
            (json!(["a", "b/c", "a"]), json!([RESOURCE_NAME, "a", "b/c"])),
            (json!(["a", RESOURCE_NAME]), json!(["a", RESOURCE_NAME])),
        ] {
            let keys: ResourceNameKeys = serde_json::from_value(written).unwrap();
            assert_eq!(serde_json::to_value(&keys).unwrap(), wanted);
        }
        for bad in [
            json!([]),
            json!([""]),
            json!([" k8s.v1.cni.cncf.io/resourceName"]),
            json!(["not a key!"]),
            json!("a"),
        ] {
            assert!(
                serde_json::from_value::<ResourceNameKeys>(bad.clone()).is_err(),
                "{bad}"
            );
        }
    }
}
