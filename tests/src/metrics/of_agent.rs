//! What the node agent tells.

use super::metric::{
    Label, Metric,
    Values::{Any, These},
};

const VERB: Label = Label("verb", These(&["question", "report", "cni", "delegate"]));
const RESOURCE: Label = Label("resource", Any("the resource"));
const KIND: Label = Label("kind", These(&["networks", "pods"]));

pub(super) const AGENT: &[Metric] = &[
    Metric::counter(
        "polypod_bridge_requests_total",
        "requests",
        &[
            VERB,
            Label(
                "outcome",
                These(&[
                    "answered",
                    "taken",
                    "refused",
                    "timeout",
                    "turned_away",
                    "ok",
                    "failed",
                    "busy",
                ]),
            ),
        ],
        "Requests that ended. A `question` (a plugin asks what a sandbox gets) is `answered`, `refused` (with a reason that the pod's event has), `timeout` (no answer within `--request-timeout`, or within the time the plugin waits) or `turned_away` (too many wait); a `report` (a plugin says what it got) is `taken`, `refused`, `timeout` or `turned_away`. `cni` and `delegate`, of the hot-plug socket, are `ok`, `failed`, `refused` (not understood) or `busy`",
        "`timeout`, `turned_away`, or `refused` for longer than a roll-out: pods do not start",
    ),
    Metric::histogram(
        "polypod_bridge_request_duration_seconds",
        &[VERB, Label("stage", These(&["all", "lookup", "devices"]))],
        "50 µs to 26 s. `all` is from a request's last byte to its reply, waiting for its turn included; of a `question` besides `lookup` (pod and networks, from memory or read) and `devices` (the kubelet's allocation, and who gets which)",
        "above a second; the stage says whether the API server or the kubelet is slow, and what neither has is waiting",
    ),
    Metric::gauge(
        "polypod_bridge_requests_waiting",
        "requests",
        &[],
        "Questions and reports that wait for their turn",
        "above 0 for minutes",
    ),
    Metric::counter(
        "polypod_bridge_kubelet_calls_total",
        "calls",
        &[
            Label("method", These(&["Get", "List", "GetAllocatableResources"])),
            Label(
                "outcome",
                These(&[
                    "ok",
                    "no_pod",
                    "no_method",
                    "not_ready",
                    "throttled",
                    "silent",
                    "broken",
                    "not_connected",
                    "error",
                ]),
            ),
        ],
        "Calls of the kubelet's pod-resources API. `no_pod` and `no_method` are answers, too: the kubelet does not know the pod yet, or has no `Get`",
        "any other than `ok`, `no_pod` and `no_method` for minutes: pods with devices do not start",
    ),
    Metric::gauge(
        "polypod_bridge_cached_objects",
        "objects",
        &[KIND],
        "Objects in memory",
        "`networks` at 0 on a cluster that has some",
    ),
    Metric::gauge(
        "polypod_bridge_cache_age_seconds",
        "seconds",
        &[KIND],
        "Since the API server last told anything of that kind; with `--objects` since the files were read",
        "large alone means a quiet cluster",
    ),
    Metric::gauge(
        "polypod_bridge_devices",
        "devices",
        &[
            RESOURCE,
            Label("state", These(&["allocatable", "allocated", "free"])),
        ],
        "Devices of the node: healthy ones, those that pods hold or that are not healthy, those that a pod could get. Known while the node is reported (`--publish-topology`)",
        "`allocatable` at 0 where there were some: the device plugin is away. `free` at 0: pods stay pending",
    ),
    Metric::gauge(
        "polypod_bridge_zone_devices",
        "devices",
        &[
            RESOURCE,
            Label("zone", Any("the NUMA zone's number")),
            Label("state", These(&["allocatable", "free"])),
        ],
        "The same by NUMA zone; a device of several zones is in each",
        "many `free` together and few in each zone: pods that ask for several aligned devices fit nowhere",
    ),
    Metric::counter(
        "polypod_bridge_discrepancies_total",
        "findings",
        &[Label(
            "kind",
            These(&[
                "record_without_sandbox",
                "left_by_multus",
                "unreadable_record",
                "networks_missing",
                "device_claimed_twice",
                "status_missing",
            ]),
        )],
        "What reconciling found, once each; [configuration.md](configuration.md#reconciling) says what is done about it",
        "`device_claimed_twice` at all; the others when they grow",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_bridge_published_total",
        "writes",
        &[
            Label(
                "what",
                These(&[
                    "network-status",
                    "event",
                    "node-inventory",
                    "node-resource-topology",
                    "node-status",
                ]),
            ),
            Label(
                "outcome",
                These(&["ok", "failed", "error", "conflict", "unknown_kind"]),
            ),
        ],
        "Writes to the API server. `network-status` and `event` are `ok` or `failed` (a network-status for every try: it is tried until its pod is gone; an event once it is given up); reports of the node and its status are `ok`, `error`, `conflict` (somebody else writes the object) or `unknown_kind` (its CustomResourceDefinition is missing)",
        "any other than `ok` for minutes",
    ),
];
