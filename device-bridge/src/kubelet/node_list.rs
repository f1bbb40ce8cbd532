//! An answer of `List`, read pod by pod: it has megabytes on a full node, and of most of its pods only the name matters.

use prost::{DecodeError, Message, bytes::Bytes};

use super::queue::Wanted;
use crate::proto::{ContainerMemory, PodResources};

/// `ListPodResourcesResponse` whose pods are not decoded yet. They share the one buffer that the answer came in.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct NodeList {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pods: Vec<Bytes>,
}

/// `AllocatableResourcesResponse` whose devices are not decoded yet.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AllocatableList {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) devices: Vec<Bytes>,
    #[prost(int64, repeated, tag = "2")]
    pub(crate) cpu_ids: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) memory: Vec<ContainerMemory>,
}

/// The first fields of `PodResources`; the others are stepped over.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PodName {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) namespace: String,
}

/// One pod, of which only the name is decoded.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: PodName,
    bytes: &'a Bytes,
}

impl Entry<'_> {
    /// What is waited for when this is.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted::Pod {
            namespace: self.name.namespace.clone(),
            name: self.name.name.clone(),
        }
    }

    pub(crate) fn decode(&self) -> Result<PodResources, DecodeError> {
        PodResources::decode(self.bytes.as_ref())
    }
}

impl NodeList {
    /// The pods in the order of the answer.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Result<Entry<'_>, DecodeError>> {
        self.pods.iter().map(|bytes| {
            let name = PodName::decode(bytes.as_ref())?;
            Ok(Entry { name, bytes })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fixture::pod_resources, proto::ListPodResourcesResponse};

    #[test]
    fn it_is_the_same_message() {
        let pod = pod_resources(&[("app", &[("r", &["a", "b"])])]);
        let all = ListPodResourcesResponse {
            pod_resources: vec![pod.clone(), PodResources::default()],
        };
        let list = NodeList::decode(all.encode_to_vec().as_slice()).unwrap();
        let entries: Vec<Entry<'_>> = list.entries().map(Result::unwrap).collect();
        assert_eq!(entries.len(), 2);
        assert_eq!(
            (
                entries[0].name.namespace.as_str(),
                entries[0].name.name.as_str()
            ),
            ("default", "p")
        );
        assert_eq!(entries[0].decode().unwrap(), pod);
        assert_eq!(entries[1].decode().unwrap(), PodResources::default());
    }

    #[test]
    fn what_is_no_pod_is_an_error() {
        let list = NodeList {
            pods: vec![Bytes::from_static(b"\xff\xff")],
        };
        assert!(list.entries().next().unwrap().is_err());
    }
}
