//! The plugin's keys: a line each.

/// A key of the plugin's CNI configuration.
pub(super) struct Key {
    pub(super) key: &'static str,
    /// What its value must be, where the installer's own list does not say.
    pub(super) value: &'static str,
    /// As JSON; empty where it is unset.
    pub(super) default: &'static str,
    pub(super) meaning: &'static str,
    /// Whether it is a key of Multus.
    pub(super) of_multus: bool,
}

const fn multus(key: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key {
        key,
        value: "",
        default,
        meaning,
        of_multus: true,
    }
}

const fn ours(key: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key {
        of_multus: false,
        ..multus(key, default, meaning)
    }
}

const fn of(value: &'static str, key: Key) -> Key {
    Key { value, ..key }
}

/// All of them.
pub(super) const KEYS: &[Key] = &[
    of(
        "a text",
        multus(
            "cniVersion",
            "\"0.1.0\"",
            "version of the result; 0.1.0 to 1.1.0",
        ),
    ),
    of(
        "a text, required",
        multus(
            "name",
            "",
            "name of the network; delegates without a name get it (`name`, `name-1`, …)",
        ),
    ),
    of(
        "a text",
        multus(
            "type",
            "",
            "`polypod`, or `multus` where it is installed under that name, for the runtime",
        ),
    ),
    of(
        "a list of CNI configurations",
        multus(
            "delegates",
            "",
            "attached to every pod, the cluster network first; passed over beside `clusterNetwork`",
        ),
    ),
    multus(
        "clusterNetwork",
        "",
        "the cluster network by name: a NetworkAttachmentDefinition in `multusNamespace`, else a CNI name in `confDir`, or a path of the node",
    ),
    multus(
        "defaultNetworks",
        "[]",
        "more networks of every pod, named as in `clusterNetwork`, which must be set too",
    ),
    multus(
        "systemNamespaces",
        "[\"kube-system\"]",
        "whose pods do not get `defaultNetworks`",
    ),
    multus(
        "multusNamespace",
        "\"kube-system\"",
        "where NetworkAttachmentDefinitions of `clusterNetwork`, `defaultNetworks` and the default-network annotation are looked for",
    ),
    multus(
        "namespaceIsolation",
        "false",
        "whether pods may refer to networks of their own namespace and `globalNamespaces` only",
    ),
    multus(
        "globalNamespaces",
        "\"default\"",
        "namespaces that every pod may refer to, separated by commas",
    ),
    multus(
        "auxiliaryCNIChainName",
        "",
        "name of a chain that every pod gets last: the `.conf` files in the folder of that name beside `clusterNetwork`",
    ),
    multus(
        "confDir",
        "\"/etc/cni/multus/net.d\"",
        "CNI configurations that NetworkAttachmentDefinitions without `spec.config` mean, and that `clusterNetwork` and `defaultNetworks` may name",
    ),
    multus(
        "readinessindicatorfile",
        "",
        "a file that says that the cluster network is ready: ADD waits up to 45 seconds for it, STATUS fails without it",
    ),
    multus(
        "capabilities",
        "",
        "the runtime's: which capability arguments it is to send",
    ),
    of(
        "an object",
        multus("runtimeConfig", "", "the runtime's capability arguments"),
    ),
    of(
        "a CNI result",
        multus(
            "prevResult",
            "",
            "the runtime's: the result of the plugin before it in a chain, or of ADD",
        ),
    ),
    of(
        "an object with `runtimeConfig` and `cni-args`",
        ours(
            "hotplug",
            "",
            "the one element of `delegates` is for a pod that runs already: [hotplug.md](hotplug.md)",
        ),
    ),
    ours(
        "legacy",
        "",
        "objects and annotation of that release of Multus: [legacy.md](legacy.md)",
    ),
    ours(
        "bridgeSocket",
        "\"/run/polypod/bridge.sock\"",
        "where the node agent answers; writing it says that one is expected on this node",
    ),
    ours(
        "bridgeTimeout",
        "30",
        "seconds that ADD waits for a node agent that is expected and away; at most 3600; 0 is the default",
    ),
    multus(
        "kubeconfig",
        "",
        "lets the resolver ask the API server where no node agent answers",
    ),
    ours(
        "resolver",
        "",
        "the program that is executed as `resolve` where the socket is absent and `kubeconfig` is set; without it `polypod-device-bridge` beside the plugin",
    ),
    ours(
        "podResourcesSocket",
        "",
        "the kubelet's pod-resources API, which the resolver asks; without it its own default",
    ),
    of(
        "an absolute path",
        multus(
            "cniDir",
            "\"/var/lib/cni/multus\"",
            "sandbox records, in `sandboxes/`, and Multus's files",
        ),
    ),
    multus(
        "binDir",
        "\"/opt/cni/bin\"",
        "searched for plugins before `CNI_PATH`; several folders are separated by `:`",
    ),
    ours(
        "deviceInfoDir",
        "\"/var/run/k8s.cni.cncf.io/devinfo\"",
        "device-info files, in `dp/` and `cni/`",
    ),
    ours(
        "timeout",
        "200",
        "seconds a verb may take; the last quarter of ADD is for undoing; at most 3600; 0 is the default",
    ),
    ours(
        "delegateTimeout",
        "60",
        "seconds one plugin may take before it is killed with its process group; at most 3600; 0 is the default",
    ),
    ours(
        "statusTimeout",
        "0",
        "seconds that ADD waits until network-status is published; 0 is not at all",
    ),
    ours(
        "parallelAttachments",
        "1",
        "how many attachments that allow it (`polypod.dev/parallel`) are made at once; at most 64",
    ),
    ours(
        "compat",
        "",
        "Multus's own files are written beside the record, so that Multus can take the node over",
    ),
    multus(
        "logFile",
        "",
        "the file of the log: [logging.md](logging.md)",
    ),
    multus(
        "logLevel",
        "\"panic\"",
        "`panic`, `error`, `verbose` or `debug`",
    ),
    multus(
        "logToStderr",
        "true",
        "whether the log is on standard error, too",
    ),
    multus(
        "logOptions",
        "",
        "an object: `maxAge` days, `maxSize` megabytes, `maxBackups` files, `compress`",
    ),
    of(
        "a number of days",
        multus(
            "logOptions.maxAge",
            "5",
            "after how many days files of the log are removed; 0 is never",
        ),
    ),
    of(
        "a number of megabytes",
        multus(
            "logOptions.maxSize",
            "100",
            "how large the file grows before it is renamed",
        ),
    ),
    of(
        "a number of files",
        multus(
            "logOptions.maxBackups",
            "5",
            "how many renamed files are kept; 0 is all",
        ),
    ),
    of(
        "true or false",
        multus("logOptions.compress", "true", "whether they are compressed"),
    ),
    multus(
        "retryDeleteOnError",
        "",
        "has no effect: the record is always kept when a DEL fails",
    ),
    of(
        "true or false",
        multus("allowTryDeleteOnErr", "", "has no effect, as the former"),
    ),
    of(
        "a text",
        multus("cniConf", "", "has no effect; the key is `confDir`"),
    ),
];
