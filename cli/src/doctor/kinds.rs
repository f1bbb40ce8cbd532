//! Kinds that only these checks read.

use crate::cluster::Kind;

const SERVED_ALWAYS: &str = "name an API server of Kubernetes 1.30 or later with --context";

pub(super) const MUTATING: Kind = Kind {
    group: "admissionregistration.k8s.io",
    version: "v1",
    kind: "MutatingWebhookConfiguration",
    plural: "mutatingwebhookconfigurations",
    if_missing: SERVED_ALWAYS,
};

pub(super) const VALIDATING: Kind = Kind {
    kind: "ValidatingWebhookConfiguration",
    plural: "validatingwebhookconfigurations",
    ..MUTATING
};

pub(super) const SECRETS: Kind = Kind {
    group: "",
    version: "v1",
    kind: "Secret",
    plural: "secrets",
    if_missing: SERVED_ALWAYS,
};

pub(super) const ENDPOINT_SLICES: Kind = Kind {
    group: "discovery.k8s.io",
    version: "v1",
    kind: "EndpointSlice",
    plural: "endpointslices",
    if_missing: SERVED_ALWAYS,
};

pub(super) const DEFINITIONS: Kind = Kind {
    group: "apiextensions.k8s.io",
    version: "v1",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    if_missing: SERVED_ALWAYS,
};

pub(super) const CONFIG_MAPS: Kind = Kind {
    kind: "ConfigMap",
    plural: "configmaps",
    ..SECRETS
};

pub(super) const BINDINGS: Kind = Kind {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    kind: "ClusterRoleBinding",
    plural: "clusterrolebindings",
    if_missing: SERVED_ALWAYS,
};
