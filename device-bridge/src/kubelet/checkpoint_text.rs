//! The JSON of the kubelet's checkpoint, read entry by entry: most of its megabytes are of no interest.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::checkpoint::Checkpoint;

#[derive(Deserialize)]
pub(super) struct File {
    #[serde(rename = "Data")]
    pub(super) data: Data,
}

#[derive(Deserialize)]
pub(super) struct Data {
    #[serde(rename = "PodDeviceEntries", default)]
    pub(super) entries: Entries,
}

/// `PodDeviceEntries`, which are `null` where there are none.
#[derive(Default)]
pub(super) struct Entries(pub(super) Checkpoint);

#[derive(Deserialize)]
struct FileEntry<'a> {
    #[serde(rename = "PodUID", borrow)]
    uid: Cow<'a, str>,
    #[serde(rename = "ContainerName", borrow)]
    container: Cow<'a, str>,
    #[serde(rename = "ResourceName", borrow)]
    resource: Cow<'a, str>,
    #[serde(rename = "DeviceIDs", borrow, default)]
    ids: IdList<'a>,
}

/// Ids, each with a NUMA node it is near to: by node, or before Kubernetes 1.20 as a list.
#[derive(Default)]
pub(super) struct IdList<'a>(pub(super) Vec<(Cow<'a, str>, Option<i16>)>);

/// A text that is not copied where it stands as it is.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfEntries;

        impl<'de> Visitor<'de> for OfEntries {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of entries, or null")
            }

            fn visit_unit<E: Error>(self) -> Result<Entries, E> {
                Ok(Entries::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Entries, A::Error> {
                let mut checkpoint = Checkpoint::default();
                while let Some(entry) = all.next_element::<FileEntry<'de>>()? {
                    checkpoint.push(&entry.uid, &entry.container, &entry.resource, &entry.ids);
                }
                Ok(Entries(checkpoint))
            }
        }

        deserializer.deserialize_any(OfEntries)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for IdList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfIds;

        impl<'de> Visitor<'de> for OfIds {
            type Value = IdList<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("device ids by NUMA node, a list of them, or null")
            }

            fn visit_unit<E: Error>(self) -> Result<IdList<'de>, E> {
                Ok(IdList::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<IdList<'de>, A::Error> {
                let mut ids = Vec::new();
                while let Some(Text(id)) = all.next_element()? {
                    ids.push((id, None));
                }
                Ok(IdList(ids))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut nodes: A) -> Result<IdList<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(Text(node)) = nodes.next_key()? {
                    // -1 is a device that is near to none.
                    let node = node.parse().ok().filter(|node: &i16| *node >= 0);
                    let ids: Option<Vec<Text<'de>>> = nodes.next_value()?;
                    all.extend(ids.into_iter().flatten().map(|Text(id)| (id, node)));
                }
                Ok(IdList(all))
            }
        }

        deserializer.deserialize_any(OfIds)
    }
}
