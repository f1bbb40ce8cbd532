//! A NetworkAttachmentDefinition, parsed: what an attachment to it needs.

use std::collections::BTreeMap;

use spec::{
    NameError,
    cni::{ConfError, NetworkConf, NetworkName},
    device::ResourceName,
    network::{NetworkRef, PARALLEL, RESOURCE_NAME},
};

use crate::network_attachment_definition::NetworkAttachmentDefinition;

/// Where `kubectl apply` keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A network that pods can select.
///
/// Faults of the object are kept beside what is right about it, because a broken one must not hide the others and its
/// fault belongs into the error of the pod that selects it.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its namespace and name.
    pub reference: NetworkRef,
    /// The resource whose device an attachment needs, if it needs one.
    pub resource: Result<Option<ResourceName>, NameError>,
    /// The delegate's configuration; `None` where the object has none, so that a file of the node is meant.
    pub conf: Result<Option<DelegateConf>, ConfError>,
    /// Whether its attachments may be made together with others.
    pub parallel: Result<bool, UnknownParallel>,
    /// Its annotations, without the copy of the whole object that `kubectl apply` leaves among them.
    pub annotations: BTreeMap<String, String>,
    /// The object's `resourceVersion`, for the record of what a decision was made from; empty for objects from files.
    pub resource_version: String,
}

/// A delegate's configuration: the text its author wrote, and what it says.
#[derive(Clone, Debug)]
pub struct DelegateConf {
    /// `spec.config` as it stands.
    pub text: String,
    /// The same, parsed.
    pub conf: NetworkConf,
}

/// An annotation `polypod.dev/parallel` that is neither yes nor no. It is passed over: attachments one after another are
/// never wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "annotation {PARALLEL} of NetworkAttachmentDefinition {network} is {found:?}, which counts as \"false\"; write \"true\" or \"false\""
)]
pub struct UnknownParallel {
    /// The network.
    pub network: NetworkRef,
    /// The annotation.
    pub found: String,
}

/// A NetworkAttachmentDefinition whose name or namespace no selection can write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("NetworkAttachmentDefinition {namespace}/{name} cannot be selected: {problem}")]
pub struct UnusableName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The rule.
    #[source]
    pub problem: NameError,
}

impl Network {
    /// Parses an object. One without a namespace, as in files, is in `default_namespace`.
    ///
    /// # Errors
    /// Its name or namespace is none.
    pub fn parse(
        object: &NetworkAttachmentDefinition,
        default_namespace: &str,
    ) -> Result<Self, UnusableName> {
        let name = object.metadata.name.clone().unwrap_or_default();
        let namespace = object
            .metadata
            .namespace
            .clone()
            .filter(|namespace| !namespace.is_empty());
        let namespace = namespace.unwrap_or_else(|| default_namespace.to_owned());
        let reference = match (namespace.parse(), name.parse()) {
            (Ok(namespace), Ok(name)) => NetworkRef { namespace, name },
            (Err(problem), _) | (_, Err(problem)) => {
                return Err(UnusableName {
                    namespace,
                    name,
                    problem,
                });
            }
        };
        let annotations = object.metadata.annotations.iter().flatten();
        let annotations = annotations
            .filter(|(key, _)| *key != LAST_APPLIED)
            .map(|(key, text)| (key.clone(), text.clone()))
            .collect();
        let resource_version = object.metadata.resource_version.clone().unwrap_or_default();
        Ok(match object.config() {
            Ok(text) => Self::from_parts(reference, annotations, text, resource_version),
            Err(error) => Self {
                conf: Err(error),
                ..Self::from_parts(reference, annotations, None, resource_version)
            },
        })
    }

    /// The network of these annotations and this `spec.config`, if it has one.
    #[must_use]
    pub fn from_parts(
        reference: NetworkRef,
        annotations: BTreeMap<String, String>,
        config: Option<&str>,
        resource_version: String,
    ) -> Self {
        let resource = annotations
            .get(RESOURCE_NAME)
            .map(|text| text.parse())
            .transpose();
        let parallel = match annotations.get(PARALLEL).map(String::as_str) {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(found) => Err(UnknownParallel {
                network: reference.clone(),
                found: found.to_owned(),
            }),
        };
        let delegate = |text: &str| {
            NetworkConf::parse(text).map(|conf| DelegateConf {
                text: text.to_owned(),
                conf,
            })
        };
        Self {
            reference,
            resource,
            conf: config.map(delegate).transpose(),
            parallel,
            annotations,
            resource_version,
        }
    }

    /// The CNI network name of an attachment whose configuration has none.
    #[must_use]
    pub fn cni_name(&self) -> NetworkName {
        self.reference.cni_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(yaml: &str) -> Result<Network, UnusableName> {
        Network::parse(&serde_yaml_ng::from_str(yaml).unwrap(), "default")
    }

    #[test]
    fn the_seeds_sriov_network() {
        let network = parse(
            "{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: sriov-net-a, annotations: {k8s.v1.cni.cncf.io/resourceName: intel.com/sriov}}, spec: {config: '{\"type\":\"sriov\",\"vlan\":1000}'}}",
        )
        .unwrap();
        assert_eq!(network.reference.to_string(), "default/sriov-net-a");
        assert_eq!(
            network
                .resource
                .as_ref()
                .unwrap()
                .as_ref()
                .unwrap()
                .as_str(),
            "intel.com/sriov"
        );
        assert_eq!(
            network
                .conf
                .as_ref()
                .unwrap()
                .as_ref()
                .unwrap()
                .conf
                .plugins()[0]
                .plugin_type()
                .as_str(),
            "sriov"
        );
        assert_eq!(network.cni_name().as_str(), "sriov-net-a");
    }

    #[test]
    fn parallel() {
        for (annotations, wanted) in [
            ("{}", Some(false)),
            ("{polypod.dev/parallel: 'true'}", Some(true)),
            ("{polypod.dev/parallel: 'false'}", Some(false)),
            ("{polypod.dev/parallel: 'yes'}", None),
        ] {
            let network = parse(&format!(
                "{{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {{name: a, annotations: {annotations}}}, spec: {{}}}}"
            ));
            assert_eq!(network.unwrap().parallel.ok(), wanted, "{annotations}");
        }
    }

    #[test]
    fn faults_stay_with_their_network() {
        let network = parse("{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: a, namespace: ns1, annotations: {k8s.v1.cni.cncf.io/resourceName: ''}}, spec: {config: '{}'}}").unwrap();
        assert!(network.resource.is_err());
        assert!(network.conf.is_err());
        let empty = parse("{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: a}, spec: {}}").unwrap();
        assert!(empty.conf.unwrap().is_none());
        assert!(parse("{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: 'A b'}, spec: {}}").is_err());
    }
}
