//! Events and conditions: a line each.

/// An Event.
pub(super) struct Told {
    pub(super) reason: &'static str,
    pub(super) kind: &'static str,
    /// The component that Kubernetes names as its source.
    pub(super) from: &'static str,
    pub(super) message: &'static str,
    pub(super) when: &'static str,
    pub(super) todo: &'static str,
}

const AGENT: &str = "`multus` (node agent; the resolver where there is none)";
const WEBHOOK: &str = "`polypod.dev/webhook`";

/// All of them; each is about a pod.
pub(super) const EVENTS: &[Told] = &[
    Told {
        reason: "AddedInterface",
        kind: "Normal",
        from: AGENT,
        message: "Add net1 [192.168.1.205/24] from default/macvlan-conf",
        when: "an attachment was made that has an interface or an address; one for each",
        todo: "nothing",
    },
    Told {
        reason: "NoNetworkFound",
        kind: "Warning",
        from: AGENT,
        message: "cannot find a network-attachment-definition (NAME) in namespace (NAMESPACE): …",
        when: "the pod selects a NetworkAttachmentDefinition that is not there when it is attached",
        todo: "create the network, or correct the annotation and create the pod anew. The webhook refuses such pods: it was bypassed, or the network was deleted meanwhile",
    },
    Told {
        reason: "NetworksMissing",
        kind: "Warning",
        from: AGENT,
        message: "the pod runs without networks that its annotation asks for: NETWORKS; …",
        when: "reconciling finds a pod that runs without some or all of its networks, as one that was started before Polypod was there",
        todo: "delete the pod so that it is started again, or have a hot-plug controller attach them",
    },
    Told {
        reason: "DeviceClaimedTwice",
        kind: "Warning",
        from: AGENT,
        message: "device DEVICE of this pod is in the sandbox record of pod NAMESPACE/POD as well; delete one of them",
        when: "reconciling finds one device in the records of two pods; an Event at each",
        todo: "delete one of the two; then find out who attaches devices beside Polypod on that node",
    },
    Told {
        reason: "WaitingForDevices",
        kind: "Warning",
        from: WEBHOOK,
        message: "0/3 nodes have devices for the pod: 2 intel.com/sriov: 0 free, 1 needed, 1 cordoned off; …",
        when: "no node has devices for a pod at the scheduling gate",
        todo: "wait for devices to be released, or ask for fewer; `kubectl polypod why POD` says what would have to change",
    },
    Told {
        reason: "DemandUnreadable",
        kind: "Warning",
        from: WEBHOOK,
        message: "the pod NAMESPACE/POD has the annotation polypod.dev/spread: \"pf\"; write physical-function or switch, or leave it away; …",
        when: "it cannot be said what a pod at the gate demands",
        todo: "correct what the message names; the pod is looked at again at its next change",
    },
    Told {
        reason: "ChosenNodesUnfit",
        kind: "Warning",
        from: WEBHOOK,
        message: "none of the nodes that were chosen for the pod (n1, n2) can take it any more, and …",
        when: "the gate of a pod was lifted, and none of its chosen nodes can take it any more",
        todo: "delete the pod; whoever made it makes another, for which nodes are chosen anew",
    },
];

/// Conditions in the status of a NodeInventory: type, reason, status, what to do.
pub(super) const CONDITIONS: &[[&str; 4]] = &[
    [
        "Ready",
        "Ready",
        "True",
        "nothing: pods of the node get their networks. Where it is not true, reason and message are those of the first of the others that is not",
    ],
    ["Serving", "Answering", "True", "nothing"],
    [
        "Serving",
        "Starting",
        "False",
        "wait; the message says for what. For minutes: the agent's log",
    ],
    [
        "Serving",
        "Stopping",
        "False",
        "wait for the next agent; if none comes, `kubectl -n polypod-system get pods -o wide`",
    ],
    [
        "ConfigurationInstalled",
        "Installed",
        "True",
        "nothing; the message may name a broken file of the cluster network whose last good one stays",
    ],
    ["ConfigurationInstalled", "NotLookedYet", "Unknown", "wait"],
    [
        "ConfigurationInstalled",
        "NotFirst",
        "False",
        "remove or rename the file that the message names, which sorts before ours so that runtimes take it",
    ],
    [
        "ConfigurationInstalled",
        "ClusterNetworkMissing",
        "False",
        "look why the cluster's network plugin has written no configuration on that node; pods do not start there without Polypod either",
    ],
    [
        "ConfigurationInstalled",
        "Contended",
        "False",
        "end whoever else writes or removes our file, as another multiplexer's installer",
    ],
    [
        "ConfigurationInstalled",
        "NotGenerated",
        "False",
        "correct what the message names: the cluster network's configuration, or `--conf-keys`",
    ],
    [
        "ConfigurationInstalled",
        "MultusRefused",
        "False",
        "correct Multus's file as the message says, or install without `--adopt-multus`",
    ],
    [
        "ConfigurationInstalled",
        "NothingOfMultus",
        "False",
        "install without `--adopt-multus`, or with `--multus-may-be-absent`",
    ],
    [
        "ConfigurationInstalled",
        "PluginMissing",
        "False",
        "look whether the plugin's folder on the node can be written, and is mounted in the agent",
    ],
    [
        "ConfigurationInstalled",
        "TokenAwaited",
        "False",
        "wait; for minutes: the agent's right to create tokens of `polypod-plugin` ([credentials.md](credentials.md))",
    ],
    [
        "ConfigurationInstalled",
        "InstallFailed",
        "False",
        "the message says what could not be read, written or executed",
    ],
    ["KubeletAnswers", "Answering", "True", "nothing"],
    ["KubeletAnswers", "NotAskedYet", "Unknown", "wait"],
    [
        "KubeletAnswers",
        "SocketMissing",
        "False",
        "is the kubelet running, and is `/var/lib/kubelet/pod-resources` mounted in the agent?",
    ],
    [
        "KubeletAnswers",
        "NotConnected",
        "False",
        "restart the kubelet: its socket is there, and nobody listens",
    ],
    [
        "KubeletAnswers",
        "NoAnswer",
        "False",
        "the kubelet takes the call and is silent; look at its log",
    ],
    [
        "KubeletAnswers",
        "CallRefused",
        "False",
        "the message has the kubelet's words",
    ],
    [
        "KubeletAnswers",
        "AnswerUnreadable",
        "False",
        "the checkpoint or the answer has another form than known ones: is the kubelet newer than this release knows?",
    ],
    [
        "KubeletAnswers",
        "SocketPathWrong",
        "False",
        "correct `--pod-resources-socket`",
    ],
];

/// Words of other meanings that look like reasons.
pub(super) const NEITHER: &[&str] = &[
    "AdmissionReview",
    "ConfList",
    "ContainerName",
    "DeviceClasses",
    "GetAllocatableResources",
    "IgnoreUnknown",
    "KubeletConfiguration",
    "NetworkAttachmentDefinition",
    "NetworkAttachmentDefinitions",
    "NodeInventories",
    "NodeInventory",
    "NodeResourceTopologies",
    "NodeResourceTopology",
    "NotFound",
    "PodDeviceEntries",
    "PodScheduled",
    "ResourceClaim",
    "ResourceClaimTemplates",
    "ResourceClaims",
    "ResourceName",
    "ResourceSlice",
];
