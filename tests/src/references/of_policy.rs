//! The webhook's configuration: a line for each key.

/// A key by its path; `[]` is an element of a list.
pub(super) struct Key {
    pub(super) path: &'static str,
    pub(super) value: &'static str,
    /// Of members of elements, which the policy of nobody has.
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
}

const fn key(path: &'static str, value: &'static str, meaning: &'static str) -> Key {
    Key {
        path,
        value,
        default: "",
        meaning,
    }
}

const fn or(default: &'static str, key: Key) -> Key {
    Key { default, ..key }
}

const NAMES: &str = "list of namespaces";
const BOOL: &str = "true or false";

/// The AdmissionConfiguration.
pub(super) const POLICY: &[Key] = &[
    key(
        "systemNamespace",
        "a namespace",
        "where a default network without a namespace is looked for (Multus's `multusNamespace`)",
    ),
    key("injection", "object", "what is added to pods"),
    key(
        "injection.resourceNameKeys",
        "list of annotation keys",
        "annotations of networks that name a resource, beside each other; each that is there asks for a device of its own",
    ),
    key(
        "injection.sidecars",
        "list of container names",
        "containers of other injectors, which get devices last",
    ),
    key(
        "injection.podNetInfo",
        BOOL,
        "labels and annotations as files below `/etc/podnetinfo` in pods with devices",
    ),
    key(
        "injection.hugepages",
        BOOL,
        "hugepages beside them; implies the former",
    ),
    key(
        "injection.honorExistingResources",
        BOOL,
        "devices that containers request already are kept for something else than the pod's networks",
    ),
    key(
        "injection.userDefined",
        "list of objects",
        "annotations for pods with a label",
    ),
    or(
        "required",
        key(
            "injection.userDefined[].label",
            "a label's key",
            "the label; its value must be `true`",
        ),
    ),
    or(
        "required",
        key(
            "injection.userDefined[].annotations",
            "object of texts",
            "what is annotated; what the pod has already stays",
        ),
    ),
    key(
        "scheduling",
        "object",
        "who schedules pods that demand devices",
    ),
    key(
        "scheduling.schedulerName",
        "a scheduler",
        "the scheduler of pods that demand devices and name none: [scheduling.md](scheduling.md)",
    ),
    key(
        "scheduling.gates",
        "object",
        "which of them wait at the scheduling gate: [scheduling-gates.md](scheduling-gates.md)",
    ),
    key(
        "scheduling.gates.enabled",
        BOOL,
        "whether any do; a webhook with `--scheduling-gates` must run",
    ),
    key(
        "scheduling.gates.namespaces",
        "object",
        "the namespaces of these pods; all where neither is said",
    ),
    key("scheduling.gates.namespaces.names", NAMES, "by name"),
    key(
        "scheduling.gates.namespaces.selector",
        "label selector",
        "by label",
    ),
    key(
        "scheduling.gates.schedulerNames",
        "list of schedulers",
        "the schedulers of these pods",
    ),
    key("access", "object", "who may use which network"),
    key(
        "access.namespaceIsolation",
        BOOL,
        "pods select networks of their own namespace and of the global ones only",
    ),
    key(
        "access.globalNamespaces",
        NAMES,
        "the namespaces whose networks all pods may select under isolation",
    ),
    key(
        "access.requireSharing",
        BOOL,
        "a network of another namespace must be shared by `polypod.dev/shared-with`",
    ),
    key(
        "access.requireUse",
        BOOL,
        "the pod's service account needs the RBAC verb `use` on each network",
    ),
    key(
        "access.allowedNetworks",
        "list of objects",
        "which networks namespaces may select; a namespace that no entry is about may select any",
    ),
    or(
        "all",
        key(
            "access.allowedNetworks[].namespaces",
            "object",
            "the namespaces of the pods: `names`, `selector`",
        ),
    ),
    or(
        "[]",
        key(
            "access.allowedNetworks[].namespaces.names",
            NAMES,
            "by name",
        ),
    ),
    key(
        "access.allowedNetworks[].namespaces.selector",
        "label selector",
        "by label",
    ),
    or(
        "required",
        key(
            "access.allowedNetworks[].networks",
            "list of `namespace/name`, each `*` or with a `*` at its end",
            "what they may select",
        ),
    ),
    key(
        "access.delegateTypes",
        "list of objects",
        "which plugins the networks may be made of; a namespace that no entry is about may use any",
    ),
    or(
        "all",
        key(
            "access.delegateTypes[].namespaces",
            "object",
            "the namespaces of the pods: `names`, `selector`",
        ),
    ),
    or(
        "[]",
        key("access.delegateTypes[].namespaces.names", NAMES, "by name"),
    ),
    key(
        "access.delegateTypes[].namespaces.selector",
        "label selector",
        "by label",
    ),
    or(
        "required",
        key(
            "access.delegateTypes[].types",
            "list of plugin types",
            "the types, such as `macvlan`; each plugin of a network's chain must be of one of them",
        ),
    ),
    or(
        "false",
        key(
            "access.delegateTypes[].nodeFiles",
            BOOL,
            "whether networks whose configuration is in a file of the node may be used, too",
        ),
    ),
    key(
        "modes",
        "list of objects",
        "the first entry that fits rule and namespace says how seriously the rule is taken there; else it is enforced",
    ),
    or(
        "all",
        key(
            "modes[].rules",
            "list of [rules](reference-errors.md#rules-of-admission)",
            "the rules",
        ),
    ),
    or(
        "all",
        key(
            "modes[].namespaces",
            "object",
            "the namespaces of the objects: `names`, `selector`",
        ),
    ),
    or("[]", key("modes[].namespaces.names", NAMES, "by name")),
    key("modes[].namespaces.selector", "label selector", "by label"),
    or(
        "required",
        key(
            "modes[].mode",
            "`enforce`, `warn`, `monitor`",
            "denied; let in with a warning; let in, metrics and the audit log tell of it",
        ),
    ),
];

/// The network resources injector's ConfigMap.
pub(super) const SWITCHES: &[Key] = &[
    key(
        "features",
        "object",
        "what is switched; what is not named stays as it is configured otherwise",
    ),
    key(
        "features.enableHugePageDownApi",
        BOOL,
        "`injection.hugepages`",
    ),
    key(
        "features.enableHonorExistingResources",
        BOOL,
        "`injection.honorExistingResources`",
    ),
    key(
        "user-defined-injections",
        "object of objects by label",
        "after those of `injection.userDefined`",
    ),
    or(
        "required",
        key(
            "user-defined-injections.<label>.op",
            "`add` or `replace`",
            "an annotation of the pod itself stays in either case",
        ),
    ),
    or(
        "required",
        key(
            "user-defined-injections.<label>.path",
            "`/metadata/annotations`",
            "where",
        ),
    ),
    or(
        "required",
        key(
            "user-defined-injections.<label>.value",
            "object of texts",
            "what is annotated",
        ),
    ),
];

/// What is read of the kubelet's own configuration (`--kubelet-config`).
pub(super) const KUBELET: &[[&str; 2]] = &[
    [
        "topologyManagerPolicy",
        "how the kubelet aligns; `none` where it is not said",
    ],
    [
        "topologyManagerScope",
        "`container` or `pod`; `container` where it is not said",
    ],
    [
        "topologyManagerPolicyOptions",
        "of these `max-allowable-numa-nodes`",
    ],
    [
        "memoryManagerPolicy",
        "`None` or `Static`; `None` where it is not said",
    ],
    [
        "reservedSystemCPUs",
        "CPUs that no container gets exclusively",
    ],
];
