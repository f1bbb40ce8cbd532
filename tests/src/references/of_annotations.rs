//! Annotations, labels and their kin: a line each.

/// A key that is read or written.
pub(super) struct Key {
    pub(super) key: &'static str,
    /// The kind of object that has it.
    pub(super) object: &'static str,
    /// Who writes it.
    pub(super) by: &'static str,
    /// Who reads it.
    pub(super) read_by: &'static str,
    /// What its value is.
    pub(super) format: &'static str,
    pub(super) example: &'static str,
    /// What it means, and where more is.
    pub(super) meaning: &'static str,
}

const fn key(
    key: &'static str,
    [object, by, read_by]: [&'static str; 3],
    [format, example]: [&'static str; 2],
    meaning: &'static str,
) -> Key {
    Key {
        key,
        object,
        by,
        read_by,
        format,
        example,
        meaning,
    }
}

const USER: &str = "its author";
const ADMIN: &str = "the administrator";
const OWNER: &str = "its owner";
const WEBHOOK: &str = "webhook";
const ATTRIBUTE: &str = "ResourceSlice, attribute of a device";
const AGENT: &str = "node agent";
const ALL: &str = "webhook, node agent, plugin";

/// What authors of pods write.
pub(super) const OF_PODS: &[Key] = &[
    key(
        "k8s.v1.cni.cncf.io/networks",
        ["Pod", USER, ALL],
        [
            "names, `[namespace/]name[@interface]`, separated by commas, or a JSON list of objects",
            "sriov-net-a, radio/fronthaul@net7",
        ],
        "the networks that the pod gets beside the cluster network, in their order (NPWG specification, 4.1). The members of an element are below",
    ),
    key(
        "v1.multus-cni.io/default-network",
        ["Pod", USER, ALL],
        [
            "as an element of the former, and one alone",
            "kube-system/macvlan-main",
        ],
        "the network in the place of the cluster network; without a namespace it is looked for in `multusNamespace` (`systemNamespace`)",
    ),
    key(
        "polypod.dev/container",
        ["Pod", USER, WEBHOOK],
        [
            "a container, or `network=container`, separated by commas",
            "app, sriov-net-b=dpdk",
        ],
        "which container gets the devices of the networks: [admission-injection.md](admission-injection.md#which-container)",
    ),
    key(
        "polypod.dev/reserve",
        [
            "Pod",
            "its author; with `honorExistingResources` the webhook",
            WEBHOOK,
        ],
        ["`resource=count`, separated by commas", "intel.com/sriov=1"],
        "devices that containers request for themselves and not for the networks: [admission-injection.md](admission-injection.md#devices-that-are-not-for-networks)",
    ),
    key(
        "polypod.dev/inject",
        ["Pod", USER, WEBHOOK],
        ["`false`, or nothing", "false"],
        "nothing is added to the pod; it is validated all the same",
    ),
    key(
        "polypod.dev/spread",
        ["Pod", USER, "webhook (scheduling)"],
        ["`physical-function` or `switch`", "physical-function"],
        "what the devices that a container requests of one resource are to be behind different ones of: [scheduling-rule.md](scheduling-rule.md)",
    ),
    key(
        "polypod.dev/scheduling-gate",
        ["Pod", USER, WEBHOOK],
        ["`false`, or nothing", "false"],
        "the pod does not wait at the scheduling gate: [scheduling-gates.md](scheduling-gates.md)",
    ),
    key(
        "networks",
        ["Pod", USER, "node agent, plugin, with `legacy: \"v1\"`"],
        [
            "a JSON list of objects with `name`",
            "[{\"name\": \"net-a\"}]",
        ],
        "the networks, as Multus v1 read them: [legacy.md](legacy.md)",
    ),
    key(
        "kubernetes.v1.cni.cncf.io/networks",
        ["Pod", USER, "node agent, plugin, with `legacy: \"v2\"`"],
        ["names separated by commas, or a JSON list", "net-a,net-b"],
        "the networks, as Multus v2 read them: [legacy.md](legacy.md)",
    ),
];

/// What Polypod writes on pods.
pub(super) const WRITTEN: &[Key] = &[
    key(
        "k8s.v1.cni.cncf.io/network-status",
        ["Pod", AGENT, "people, controllers"],
        [
            "a JSON list of an object for each attachment",
            "[{\"name\": \"default/macvlan\", \"interface\": \"net1\", \"ips\": [\"10.0.0.5\"]}]",
        ],
        "what the pod got (NPWG specification, 5): `name`, `interface`, `ips`, `mac`, `mtu`, `default`, `dns`, `device-info`, `gateway`",
    ),
    key(
        "polypod.dev/attachments",
        ["Pod", AGENT, "kubectl-polypod, people"],
        [
            "JSON of at most 8 KiB with `version`, `sandbox`, `attachments`",
            "{\"version\":1,\"attachments\":[{\"interface\":\"net1\",\"network\":\"default/macvlan\",\"began\":\"2026-01-01T00:00:00.005000Z\",\"ms\":40.1,\"delegates\":[{\"type\":\"macvlan\",\"ms\":30}]}]}",
        ],
        "when attachments were made and how long each delegate and each stage of the sandbox took: [observability.md](observability.md#how-long-attachments-take)",
    ),
    key(
        "polypod.dev/chosen-nodes",
        ["Pod", WEBHOOK, WEBHOOK],
        ["nodes, separated by commas", "n1,n2"],
        "the nodes that were chosen for the pod when its gate was lifted",
    ),
    key(
        "polypod.dev/retried-at",
        ["Pod", WEBHOOK, "the scheduler, as a change of the pod"],
        ["RFC 3339", "2026-07-01T08:15:30Z"],
        "when the scheduler was asked last to try the pod again, because what it waits for was released",
    ),
    key(
        "polypod.dev/traceparent",
        [
            "Pod",
            "webhook, with `--otlp-endpoint`; before it the pod's author",
            "webhook, node agent",
        ],
        [
            "a W3C `traceparent`",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ],
        "the span of the pod's admission, whose trace its scheduling and its attachments are in, too; of one that its author wrote the webhook's span becomes a child, and takes its place: [traces.md](traces.md)",
    ),
];

/// On NetworkAttachmentDefinitions.
pub(super) const OF_NETWORKS: &[Key] = &[
    key(
        "k8s.v1.cni.cncf.io/resourceName",
        ["NetworkAttachmentDefinition", OWNER, "webhook, node agent"],
        ["the name of a resource", "intel.com/sriov"],
        "each attachment needs a device of this resource; the webhook adds it to the pod, the node agent finds which one the kubelet gave. `injection.resourceNameKeys` may name more keys of this meaning",
    ),
    key(
        "k8s.v1.cni.cncf.io/nodeSelector",
        ["NetworkAttachmentDefinition", OWNER, WEBHOOK],
        [
            "`key=value` or `key`, separated by commas",
            "example.com/fabric=a",
        ],
        "labels of the nodes that have the network; they are added to the pod's `nodeSelector`",
    ),
    key(
        "polypod.dev/devices",
        ["NetworkAttachmentDefinition", OWNER, WEBHOOK],
        ["`device-plugin` (the default) or `claim`", "claim"],
        "who supplies the network's devices: [admission-access.md](admission-access.md#claims-of-devices)",
    ),
    key(
        "polypod.dev/shared-with",
        ["NetworkAttachmentDefinition", OWNER, WEBHOOK],
        [
            "a label selector of namespaces in JSON, or `*`",
            "{\"matchLabels\": {\"team\": \"radio\"}}",
        ],
        "the namespaces whose pods may select it, with `access.requireSharing`: [admission-access.md](admission-access.md#sharing)",
    ),
    key(
        "polypod.dev/allow-delete",
        ["NetworkAttachmentDefinition", OWNER, WEBHOOK],
        ["`true`, or nothing", "true"],
        "it may be deleted although pods use it: [admission-networks.md](admission-networks.md#networks-in-use)",
    ),
    key(
        "polypod.dev/parallel",
        [
            "NetworkAttachmentDefinition",
            OWNER,
            "node agent, for the plugin",
        ],
        ["`true`, or nothing", "true"],
        "its attachments may be made together with others: [configuration.md](configuration.md#attachments-made-together)",
    ),
];

/// On other objects, and what is no annotation but looks like one.
pub(super) const OF_OTHERS: &[Key] = &[
    key(
        "polypod.dev/devices",
        ["Pod, `spec.schedulingGates`", WEBHOOK, WEBHOOK],
        ["a scheduling gate", "polypod.dev/devices"],
        "pods wait at it until nodes with devices for them were chosen: [scheduling-gates.md](scheduling-gates.md)",
    ),
    key(
        "polypod.dev/webhook",
        ["Event, `reportingController`", WEBHOOK, "people"],
        ["the name of a reporter", "polypod.dev/webhook"],
        "who tells of pods that wait: [reference-events.md](reference-events.md)",
    ),
    key(
        "polypod.dev/rotation-phase",
        ["Secret of the webhook's certificate", WEBHOOK, "people"],
        ["`Stable`, `TrustBoth`, `ServeNew`", "Stable"],
        "where the rotation of its certificates stands: [certificates.md](certificates.md)",
    ),
    key(
        "polypod.dev/rotation-phase-since",
        ["Secret of the webhook's certificate", WEBHOOK, WEBHOOK],
        ["RFC 3339", "2026-07-01T08:15:30Z"],
        "since when",
    ),
    key(
        "polypod.dev/configuration-hash",
        ["the document of `/configz`", WEBHOOK, "people"],
        ["16 hexadecimal digits", "0af765b1c2d3e4f5"],
        "of the policy in force; replicas with the same one decide alike",
    ),
    key(
        "polypod.dev/configuration-error",
        ["the document of `/configz`", WEBHOOK, "people"],
        ["words", "modes[0].mode: unknown variant"],
        "why the file of `--config` is not taken; the last good one stays in force",
    ),
    key(
        "polypod.dev/control-switches-error",
        ["the document of `/configz`", WEBHOOK, "people"],
        ["words", "config.json of ConfigMap nri-control-switches: …"],
        "why the ConfigMap of `--control-switches` is not taken",
    ),
    key(
        "polypod.dev/api-audiences",
        [
            "Namespace `polypod-system`",
            ADMIN,
            "the policy of the plugin's tokens",
        ],
        [
            "URLs, separated by commas",
            "https://kubernetes.default.svc",
        ],
        "the API server's own audiences, where it has others than the usual one: [credentials.md](credentials.md)",
    ),
];

/// Members of an element of the JSON form of `k8s.v1.cni.cncf.io/networks`: name, value, meaning.
pub(super) const MEMBERS: &[[&str; 3]] = &[
    ["name", "text, required", "the NetworkAttachmentDefinition"],
    ["namespace", "text", "its namespace; without it the pod's"],
    [
        "interface",
        "text",
        "the interface's name in the pod; without it `net1`, `net2`, … by place",
    ],
    ["interfaceRequest", "text", "the older name of `interface`"],
    [
        "ips",
        "list of addresses",
        "the addresses it must have; capability `ips`",
    ],
    ["mac", "text", "its hardware address; capability `mac`"],
    [
        "infiniband-guid",
        "text",
        "its GUID; capability `infinibandGUID`",
    ],
    [
        "portMappings",
        "list of objects with `hostPort`, `containerPort`, `protocol`, `hostIP`",
        "ports of the host that lead to it; capability `portMappings`",
    ],
    [
        "bandwidth",
        "object with `ingressRate`, `ingressBurst`, `egressRate`, `egressBurst`",
        "its limits, in bits; capability `bandwidth`",
    ],
    [
        "cni-args",
        "object",
        "handed through to the plugins as `args.cni`",
    ],
    [
        "deviceID",
        "text",
        "the device, where no resource gives one",
    ],
    [
        "default-route",
        "list of addresses",
        "the gateways of the pod's default routes; `[]` takes the default routes from this attachment",
    ],
    [
        "ipam-claim-reference",
        "text",
        "the name of an IPAMClaim; not beside `ips`",
    ],
];

/// What is read of others' keys.
pub(super) const BORROWED: &[Key] = &[
    key(
        "k8s.cni.cncf.io/resourceName",
        [ATTRIBUTE, "a DRA driver", AGENT],
        ["a text", "intel.com/sriov"],
        "the resource that a claim's device stands for: [device-bridge-devices.md](device-bridge-devices.md)",
    ),
    key(
        "k8s.cni.cncf.io/deviceID",
        [ATTRIBUTE, "a DRA driver", AGENT],
        ["a text", "0000:03:02.2"],
        "the device's id, as delegates are told it",
    ),
    key(
        "resource.kubernetes.io/pciBusID",
        [ATTRIBUTE, "a DRA driver", AGENT],
        ["a text", "0000:03:02.2"],
        "the same, where the former is missing",
    ),
    key(
        "resource.kubernetes.io/pcieRoot",
        [ATTRIBUTE, "a DRA driver", "kubectl polypod map"],
        ["a text", "pci0000:37"],
        "the PCIe root complex, by which the map knows the zone",
    ),
    key(
        "sriovnetwork.k8snetworkplumbingwg.io/pfPciAddress",
        [ATTRIBUTE, "dra-driver-sriov", "kubectl polypod map"],
        ["a text", "0000:03:00.0"],
        "the physical function, beside which the map draws it",
    ),
    key(
        "dra.net/numaNode",
        [ATTRIBUTE, "dranet, dra-driver-sriov", "kubectl polypod map"],
        ["a number", "0"],
        "the NUMA zone in which the map draws it",
    ),
    key(
        "kubernetes.io/config.mirror",
        ["Pod", "the kubelet", "webhook"],
        ["a hash", "2c1b…"],
        "a static pod's image, which is let alone",
    ),
    key(
        "kubernetes.io/config.source",
        ["Pod", "the kubelet", AGENT],
        ["`api`, `file`, `http`", "file"],
        "a static pod, which has another UID on the node",
    ),
    key(
        "kubectl.kubernetes.io/last-applied-configuration",
        [
            "NetworkAttachmentDefinition",
            "kubectl",
            "nobody: it is left out of what is kept",
        ],
        ["JSON", "{…}"],
        "only repeats the object",
    ),
    key(
        "app.kubernetes.io/name",
        [
            "Deployment, DaemonSet, Pod, label",
            "the manifests",
            "people",
        ],
        ["the name of a program", "polypod-webhook"],
        "by which the advice of `kubectl-polypod doctor` finds pods of the installation",
    ),
    key(
        "app.kubernetes.io/part-of",
        [
            "Deployment, DaemonSet, Pod, label",
            "the manifests",
            "kubectl-polypod",
        ],
        ["the name of a system", "polypod"],
        "by which `kubectl-polypod status` finds the parts of the installation",
    ),
    key(
        "kubernetes.io/os",
        [
            "Node, label; DaemonSet, node selector",
            "the kubelet",
            "kubectl-polypod",
        ],
        ["an operating system", "linux"],
        "nodes that need no agent: `doctor` expects none on them",
    ),
    key(
        "kubernetes.io/service-name",
        [
            "EndpointSlice, label",
            "kube-controller-manager",
            "kubectl-polypod",
        ],
        ["the name of a Service", "polypod-webhook"],
        "by which `doctor` finds the webhook's endpoints",
    ),
    key(
        "kubernetes.io/metadata.name",
        [
            "Namespace, label",
            "the API server",
            "webhook; static policies",
        ],
        ["a name", "team-a"],
        "the namespace's name as a label, for selectors",
    ),
    key(
        "kubernetes.io/hostname",
        [
            "Node, label; Pod, node affinity",
            "the kubelet; of the affinity the webhook",
            "webhook (scheduling), kube-scheduler",
        ],
        ["a name", "n1"],
        "how pods are kept to the nodes that were chosen",
    ),
    key(
        "node.kubernetes.io/unschedulable",
        ["Node, taint", "Kubernetes", "webhook (scheduling)"],
        ["a taint", "NoSchedule"],
        "the node is cordoned off",
    ),
    key(
        "kubernetes.io/service-name",
        ["EndpointSlice, label", "Kubernetes", WEBHOOK],
        ["a name", "polypod-webhook"],
        "which replicas a Service has, for the rotation of certificates",
    ),
];

/// What looks like a key in the sources and is none: versions of objects, resources, and members of CNI configurations.
pub(super) const NONE: &[&str] = &[
    // The image of the pod that `doctor` asks about and does not create.
    "registry.k8s.io/pause",
    "admission.k8s.io/v1",
    "cni.dev/attachments",
    "cni.dev/valid-attachments",
    "events.k8s.io/v1",
    "intel.com/sriov",
    "k8s.cni.cncf.io/v1",
    "kubernetes.io/tls",
    "meta.k8s.io/v1",
    // A member of the results that the plugin gives the agent.
    "polypod.dev/times",
    "polypod.dev/v1alpha1",
    "resource.k8s.io/v1",
    "topology.node.k8s.io/v1alpha2",
];
