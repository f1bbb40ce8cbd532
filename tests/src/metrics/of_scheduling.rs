//! What the webhook tells of schedulers' questions and of pods without a node.

use super::metric::{Label, Metric, Values::These};

const VERB: Label = Label("verb", These(&["filter", "prioritize", "explain"]));

pub(super) const EXTENDER: &[Metric] = &[
    Metric::histogram(
        "polypod_scheduler_request_duration_seconds",
        &[VERB],
        "From the headers of a question to its answer, 50 µs to 3.3 s",
        "above a second: kube-scheduler gives up after its `httpTimeout`",
    ),
    Metric::counter(
        "polypod_scheduler_nodes_asked_total",
        "nodes",
        &[Label("verb", These(&["filter", "prioritize"]))],
        "Nodes in questions",
        "",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_scheduler_nodes_fit_total",
        "nodes",
        &[],
        "Of these, nodes that fit",
        "0 while nodes are asked about: pods with devices stay pending",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_scheduler_refusals_total",
        "nodes",
        &[Label(
            "reason",
            These(&[
                "unknown-node",
                "no-report",
                "stale",
                "faulty",
                "no-such-resource",
                "short",
                "container",
                "pod",
                "spread",
                "link-down",
                "set-aside",
            ]),
        )],
        "Nodes that were refused. What the reasons mean is in [scheduling-why.md](scheduling-why.md)",
        "`stale`, `no-report`, `faulty` or `unknown-node`: the node is not heard of as it should be, whatever it has",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_scheduler_requests_failed_total",
        "questions",
        &[
            VERB,
            Label(
                "reason",
                These(&[
                    "bad-request",
                    "too-large",
                    "no-room",
                    "not-synced",
                    "client",
                    "timeout",
                    "defect",
                ]),
            ),
        ],
        "Questions that were not answered",
        "at all: kube-scheduler keeps such pods pending",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_scheduler_mispredictions_total",
        "pods",
        &[],
        "Pods that are in other zones than was predicted",
        "when it grows: nodes align in another way than they report",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_scheduler_kubelet_refusals_total",
        "pods",
        &[],
        "Pods that a kubelet refused (`TopologyAffinityError`), for which their node was set aside",
        "when it grows, as above",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_scheduler_ignored_total",
        "events",
        &[],
        "Reports and other events that were not taken: sequences that go back, contradictions",
        "steadily: two agents report for one node",
    )
    .beginning_at_zero(),
    Metric::gauge(
        "polypod_scheduler_nodes",
        "nodes",
        &[Label(
            "kind",
            These(&["known", "inventory", "topology", "stale", "faulty"]),
        )],
        "Nodes that there are, and of these with a NodeInventory, with a NodeResourceTopology alone, with a stale NodeInventory, with a report that is wrong",
        "`stale` or `faulty` above 0: no pod with devices is sent there",
    ),
    Metric::gauge(
        "polypod_scheduler_reservations",
        "pods",
        &[Label(
            "state",
            These(&["tentative", "assumed", "confirmed", "released"]),
        )],
        "Pods by how they are counted: just offered a node, bound and not reported yet, reported, not reported",
        "`assumed` that only grows: agents do not report what kubelets allocate",
    ),
    Metric::gauge(
        "polypod_scheduler_synced",
        "0 or 1",
        &[Label(
            "kind",
            These(&["Nodes", "Pods", "NodeInventories", "NodeResourceTopologies"]),
        )],
        "1 where the kind was listed once",
        "0 for minutes: questions are answered by an error",
    ),
    Metric::gauge(
        "polypod_scheduler_nodes_set_aside",
        "pairs",
        &[],
        "Pairs of a node and an owner of pods that the node is not offered to, because its kubelet refused one",
        "when it grows",
    ),
    Metric::gauge(
        "polypod_scheduler_inventory_age_seconds",
        "seconds",
        &[],
        "Since the last report of the NodeInventory that has been silent for longest; not there while there is none",
        "above `--scheduler-stale-after`",
    ),
];

pub(super) const WAITING: &[Metric] = &[
    Metric::gauge(
        "polypod_scheduling_leader",
        "0 or 1",
        &[],
        "1 where this replica helps pods without a node",
        "a sum of 0 for minutes: gated pods stay gated",
    ),
    Metric::gauge(
        "polypod_scheduling_waiting_pods",
        "pods",
        &[Label("wait", These(&["gate", "retry"]))],
        "Pods that wait at the gate, or that a scheduler found no node for, as the leader knows them",
        "when it does not come down: devices are short, or nobody leads",
    ),
    Metric::gauge(
        "polypod_scheduling_promises",
        "pods",
        &[],
        "Pods whose gate was lifted and that are on no node yet",
        "when it does not come down: kube-scheduler does not place them",
    ),
    Metric::counter(
        "polypod_scheduling_writes_total",
        "writes",
        &[
            Label("act", These(&["wake-up", "lift"])),
            Label("outcome", These(&["written", "conflict", "gone", "failed"])),
        ],
        "Writes to pods without a node",
        "`failed`: a right is missing, or the API server is away",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_scheduling_stranded_pods_total",
        "pods",
        &[],
        "Pods whose gate was lifted and whose chosen nodes could not take them any more",
        "at all: delete such a pod, its owner makes another",
    )
    .beginning_at_zero(),
];
