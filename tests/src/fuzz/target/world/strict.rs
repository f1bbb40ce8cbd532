//! Everything that an administrator can decide is decided: who may select what, what is injected, and which rules are not
//! enforced where. The cluster has what these ask about: labels of namespaces, answers about the verb `use`, and claims.

use std::sync::LazyLock;

use admission::{
    configuration,
    permissions::{Permissions, UseAnswer, UseQuestion},
};

use spec::network::NetworkRef;

use super::{NAMESPACE, World, cluster};

const MANIFESTS: &str = r#"
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: foo, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/foo, example.com/second: example.com/second, k8s.v1.cni.cncf.io/nodeSelector: ''}}, spec: {config: '{"type": "sriov", "capabilities": {"mac": true, "ips": true}}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: foo2, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/foo, k8s.v1.cni.cncf.io/nodeSelector: 'stage=test,gpu'}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: bar, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/bar, example.com/second: example.com/bar}}, spec: {config: '{"plugins": [{"type": "sriov"}, {"type": "tuning", "capabilities": {"mac": true, "bandwidth": true, "portMappings": true, "ips": true, "infinibandGUID": true}}]}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: plain, annotations: {k8s.v1.cni.cncf.io/nodeSelector: stage=live}}, spec: {config: '{"type": "macvlan", "args": {"cni": {"a": 1}}}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: claimed, annotations: {polypod.dev/devices: claim}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: implicit, annotations: {k8s.v1.cni.cncf.io/resourceName: deviceclass.resource.kubernetes.io/nic}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: bridged, annotations: {}}, spec: {config: '{"type": "bridge"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: bad-selector, annotations: {k8s.v1.cni.cncf.io/nodeSelector: 'a=b=c, ,'}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: broken, annotations: {polypod.dev/shared-with: '{'}}, spec: {config: '{bad'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: foo, namespace: ns1, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/nsfoo, polypod.dev/shared-with: '{"matchLabels": {"stage": "test"}}'}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: foo, namespace: shared, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/foo, polypod.dev/shared-with: '*'}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: bar, namespace: shared, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/bar}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: def, namespace: kube-system, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/bar, polypod.dev/shared-with: '*'}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {stage: 'test'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ns1, labels: {stage: 'live'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shared, labels: {stage: 'live'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: lab, labels: {stage: 'live'}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: kube-system, labels: {stage: ''}}}
---
{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: nic}, spec: {}}
---
{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: vf}, spec: {extendedResourceName: example.com/foo}}
---
{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: by-selector}, spec: {selectors: [{cel: {expression: 'device.attributes["k8s.cni.cncf.io"].resourceName == "example.com/bar"'}}]}}
---
{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: of-vf}, spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: vf}}]}}}}
---
{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: two}, spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: by-selector, count: 2}}]}}}}
---
{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: all}, spec: {spec: {devices: {requests: [{name: a, exactly: {deviceClassName: vf, allocationMode: All}}]}}}}
---
{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: first}, spec: {spec: {devices: {requests: [{name: a, firstAvailable: [{name: big, deviceClassName: vf, count: 2}, {name: small, deviceClassName: nic}]}]}}}}
---
{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: claim}, spec: {devices: {requests: [{name: a, exactly: {deviceClassName: vf}}, {name: b, exactly: {deviceClassName: nic}}]}}}
"#;

const POLICY: &str = r#"
apiVersion: polypod.dev/v1alpha1
kind: AdmissionConfiguration
injection:
  resourceNameKeys: [k8s.v1.cni.cncf.io/resourceName, example.com/second]
  podNetInfo: true
  hugepages: true
  honorExistingResources: true
  userDefined:
  - {label: inject, annotations: {k8s.v1.cni.cncf.io/networks: 'foo,bar', example.com/a: b}}
  - {label: example.com/other, annotations: {example.com/a: c, v1.multus-cni.io/default-network: def}}
access:
  namespaceIsolation: true
  globalNamespaces: [shared, ns1, kube-system]
  requireSharing: true
  requireUse: true
  allowedNetworks:
  - {namespaces: {names: [default]}, networks: ['default/*', shared/foo, kube-system/def]}
  - {namespaces: {selector: {matchLabels: {stage: test}}}, networks: ['ns1/*']}
  delegateTypes:
  - {namespaces: {names: [default]}, types: [sriov, tuning, macvlan]}
modes:
- {rules: [annotation-syntax], namespaces: {names: [lab]}, mode: warn}
- {rules: [device-deficit, network-not-found], namespaces: {names: [ns1]}, mode: monitor}
- {rules: [use-permission], namespaces: {selector: {matchLabels: {stage: live}}}, mode: warn}
"#;

pub(super) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let mut cluster = cluster(MANIFESTS);
    cluster.permissions = permissions();
    World {
        cluster,
        policy: configuration::parse(POLICY, "the strict world's policy").expect("it is a policy"),
    }
});

/// Most may be used by the default service account of the namespace; one may not, of one nobody answered, and of the
/// others nobody asked yet.
fn permissions() -> Permissions {
    let mut permissions = Permissions::to_be_asked();
    for (network, answer) in [
        ("default/foo", UseAnswer::Allowed),
        ("default/foo2", UseAnswer::Allowed),
        ("default/bar", UseAnswer::Allowed),
        ("default/claimed", UseAnswer::Allowed),
        ("default/implicit", UseAnswer::Allowed),
        ("default/plain", UseAnswer::Refused),
        ("shared/foo", UseAnswer::Allowed),
        ("ns1/foo", UseAnswer::Unanswered),
        ("kube-system/def", UseAnswer::Allowed),
    ] {
        let (namespace, name) = network.split_once('/').expect("it has a namespace");
        let question = UseQuestion {
            namespace: NAMESPACE.clone(),
            service_account: "default".parse().expect("it is a name"),
            network: NetworkRef {
                namespace: namespace.parse().expect("it is a DNS label"),
                name: name.parse().expect("it is a name"),
            },
        };
        permissions.insert(question, answer);
    }
    permissions
}
