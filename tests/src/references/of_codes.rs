//! Error codes of the plugin, and what to do about rules of admission.

use admission::Rule;

/// An error code: its name in the sources, its number, what it means, and what to do.
pub(super) struct Code {
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) meaning: &'static str,
    pub(super) todo: &'static str,
}

const fn code(name: &'static str, number: u32, meaning: &'static str, todo: &'static str) -> Code {
    Code {
        name,
        number,
        meaning,
        todo,
    }
}

/// All of them.
pub(super) const CODES: &[Code] = &[
    code(
        "INCOMPATIBLE_VERSION",
        1,
        "the configuration wants a CNI version that nobody speaks",
        "write a `cniVersion` of 0.1.0 to 1.1.0 into the configuration that the message names",
    ),
    code(
        "UNKNOWN_CONTAINER",
        3,
        "CHECK: the sandbox, or one of its attachments, was never attached. Hot-plugging: nothing is known of the sandbox",
        "delete the pod so that it is started again",
    ),
    code(
        "INVALID_ENVIRONMENT",
        4,
        "a variable of the environment is missing or wrong, or the network namespace cannot be entered",
        "the sandbox is usually gone already: the kubelet makes another. Steadily: look at the runtime's own log",
    ),
    code(
        "IO_FAILURE",
        5,
        "reading or writing failed: standard input, the resolver, a device-info file, Multus's files, routes, the kubelet's socket; or the API server answered 403",
        "the message names file and cause; 403: compare the agent's ClusterRole with the release's",
    ),
    code(
        "UNDECODABLE",
        6,
        "the configuration is not JSON",
        "look at the first file by name in the runtime's CNI folder",
    ),
    code(
        "INVALID_CONF",
        7,
        "the configuration, or a delegate's, is wrong",
        "correct the key that the message names, in the file or in the NetworkAttachmentDefinition",
    ),
    code(
        "TRY_AGAIN_LATER",
        11,
        "try again later: the node agent or the API server does not answer, the API server does not take the token, the pod is not known yet, another call is at work on the sandbox",
        "nothing: the kubelet tries again. For minutes: `kubectl -n polypod-system get pods -o wide`, the agent's log, and `kubectl get nodeinventories`",
    ),
    code(
        "NOT_AVAILABLE",
        50,
        "STATUS: the plugin cannot take ADD: a readiness file, a plugin of the configuration, the node agent or the resolver is missing",
        "wait for the cluster's network on that node, or install what the message names",
    ),
    code(
        "LIMITED_CONNECTIVITY",
        51,
        "STATUS: as 50, and containers that run have limited connectivity; said by delegates alone",
        "as the delegate's message says",
    ),
    code(
        "DELEGATE",
        100,
        "a delegate is missing, hangs, crashes, or prints no result",
        "install the plugin that the message names into `binDir`, or look why it ends so",
    ),
    code(
        "UNMET_REQUEST",
        101,
        "what the pod asked for cannot be given: a broken annotation, a missing network, too few devices, a capability that nobody declares, a name that is taken, a route that the kernel refuses",
        "correct the pod's annotation or the network and create the pod anew. Too few devices: the webhook adds their requests when a pod is created, so look whether it was bypassed",
    ),
    code(
        "RECORD",
        103,
        "the sandbox record cannot be read or written, or says that the sandbox is attached already",
        "is the disk of `cniDir` full or read-only? [records.md](records.md) says how a record is read",
    ),
    code(
        "NOT_AUTHENTICATED",
        104,
        "from node agent or resolver to the plugin: the API server does not take the token (401). The plugin waits for `bridgeTimeout`, then fails with 11",
        "the node agent renews the plugin's token: look whether it runs there, and what it logs of it ([credentials.md](credentials.md))",
    ),
];

/// What to do about a broken rule of admission.
pub(super) const fn todo(rule: Rule) -> &'static str {
    match rule {
        Rule::AnnotationSyntax => {
            "correct the annotation at the place that the message names: [reference-annotations.md](reference-annotations.md)"
        }
        Rule::NetworkNotFound => {
            "create the NetworkAttachmentDefinition, or write the name that the message offers; namespaces are part of names"
        }
        Rule::NetworkUnusable => {
            "correct the NetworkAttachmentDefinition, or leave out what it has no capability for"
        }
        Rule::InterfaceConflict => "give one of the attachments another `interface`, or none",
        Rule::DefaultRouteConflict => {
            "write `default-route` for one attachment of each address family only"
        }
        Rule::TargetContainer => {
            "write a container that the pod has, and a network that it selects, into `polypod.dev/container`"
        }
        Rule::DeviceQuantity => "write the same whole number as request and as limit",
        Rule::DeviceDeficit => {
            "add to the container's requests and limits what the message says; is the mutating webhook registered, and was it reached?"
        }
        Rule::InjectedAnnotations => {
            "write the annotation that the message says; is the mutating webhook registered, and was it reached?"
        }
        Rule::NodeSelectorConflict => {
            "remove one of the two values that the message names: the pod's, or one network's"
        }
        Rule::NamespaceIsolation => {
            "select a network of the pod's own namespace, or have the administrator add the other one to `access.globalNamespaces`"
        }
        Rule::AllowedNetworks => {
            "select one of the networks that the message lists, or have the administrator extend `access.allowedNetworks`"
        }
        Rule::SharedWith => {
            "have the network's owner share it with the pod's namespace by `polypod.dev/shared-with`"
        }
        Rule::UsePermission => {
            "bind the pod's service account to a Role with the verb `use` on the network: [admission-access.md](admission-access.md#the-verb-use)"
        }
        Rule::DelegateType => {
            "select a network of other plugins, or have the administrator extend `access.delegateTypes`"
        }
        Rule::DefinitionName => {
            "name the NetworkAttachmentDefinition in lower case letters, digits and `-`"
        }
        Rule::DefinitionConfig => {
            "correct `spec.config` at the pointer that the message names: [admission-networks.md](admission-networks.md#plugins)"
        }
        Rule::DefinitionAnnotations => "correct the annotation that the message names",
        Rule::DefinitionInUse => {
            "delete the pods that use the network first, or set `polypod.dev/allow-delete: \"true\"`"
        }
    }
}
