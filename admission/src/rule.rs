//! The rules of admission, by the names under which an administrator relaxes them and a denial is counted.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal),* $(,)?) => {
        /// One rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rule {
            $($(#[doc = $doc])* $name),*
        }

        impl Rule {
            /// All of them, in the order in which the documentation explains them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in configuration, metrics and reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }

            /// What holds where it is kept: one sentence, for reports.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),*).trim()),*
                }
            }
        }
    };
}

rules! {
    /// The annotations can be read.
    AnnotationSyntax = "annotation-syntax",
    /// Every selected network is there.
    NetworkNotFound = "network-not-found",
    /// Every selected network can be attached as it is selected.
    NetworkUnusable = "network-unusable",
    /// Every attachment has an interface name of its own.
    InterfaceConflict = "interface-conflict",
    /// One default route per address family.
    DefaultRouteConflict = "default-route-conflict",
    /// The annotations about containers name containers of the pod.
    TargetContainer = "target-container",
    /// Requests and limits of devices are whole and equal.
    DeviceQuantity = "device-quantity",
    /// A stored pod has the devices its networks need.
    DeviceDeficit = "device-deficit",
    /// A stored pod has the annotations that the administrator injects.
    InjectedAnnotations = "injected-annotations",
    /// The node selectors of the networks and of the pod agree.
    NodeSelectorConflict = "node-selector-conflict",
    /// Pods select networks of their own namespace, and of the global ones.
    NamespaceIsolation = "namespace-isolation",
    /// Pods select networks that the administrator's list allows their namespace.
    AllowedNetworks = "allowed-networks",
    /// Pods of other namespaces select networks that are shared with theirs.
    SharedWith = "shared-with",
    /// The pod's service account may `use` the network.
    UsePermission = "use-permission",
    /// The network's plugins are of types that the namespace may use.
    DelegateType = "delegate-type",
    /// A NetworkAttachmentDefinition has a name that pods can select.
    DefinitionName = "definition-name",
    /// The configuration of a NetworkAttachmentDefinition can be carried out.
    DefinitionConfig = "definition-config",
    /// The annotations of a NetworkAttachmentDefinition can be carried out.
    DefinitionAnnotations = "definition-annotations",
    /// A NetworkAttachmentDefinition that pods use stays.
    DefinitionInUse = "definition-in-use",
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configuration() {
        for rule in Rule::ALL {
            let text = serde_json::to_string(rule).unwrap();
            assert_eq!(text, format!("\"{rule}\""));
            assert!(rule.description().ends_with('.'), "{rule}");
        }
    }
}
