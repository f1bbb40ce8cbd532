//! The policy is the default one; there are networks with and without devices, with capabilities, and broken ones.

use std::sync::LazyLock;

use admission::Policy;

use super::{World, cluster};

const MANIFESTS: &str = r#"
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: foo, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/foo}}, spec: {config: '{"type": "sriov", "capabilities": {"mac": true, "ips": true}}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: foo2, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/foo}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: bar, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/bar}}, spec: {config: '{"plugins": [{"type": "sriov"}, {"type": "tuning", "capabilities": {"mac": true, "bandwidth": true, "portMappings": true, "ips": true, "infinibandGUID": true}}]}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: plain}, spec: {config: '{"type": "macvlan", "args": {"cni": {"a": 1}}}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: file}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: broken}, spec: {config: '{bad'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: blank, annotations: {k8s.v1.cni.cncf.io/resourceName: ''}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: without-domain, annotations: {k8s.v1.cni.cncf.io/resourceName: sriov_nic_1}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: a.b}, spec: {config: '{"type": "bridge"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: foo, namespace: ns1, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/nsfoo}}, spec: {config: '{"type": "sriov"}'}}
---
{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: def, namespace: kube-system, annotations: {k8s.v1.cni.cncf.io/resourceName: example.com/bar}}, spec: {config: '{"type": "sriov"}'}}
"#;

pub(super) static WORLD: LazyLock<World> = LazyLock::new(|| World {
    cluster: cluster(MANIFESTS),
    policy: Policy::default(),
});
