//! Status codes of HTTP and of gRPC: a line each.

/// A status that a program answers with.
pub(super) struct Answered {
    /// The crate that does.
    pub(super) krate: &'static str,
    /// The status's name in the sources.
    pub(super) status: &'static str,
    pub(super) number: u16,
    /// Of which paths.
    pub(super) of: &'static str,
    pub(super) when: &'static str,
    pub(super) todo: &'static str,
}

const fn answered(
    krate: &'static str,
    status: &'static str,
    number: u16,
    [of, when, todo]: [&'static str; 3],
) -> Answered {
    Answered {
        krate,
        status,
        number,
        of,
        when,
        todo,
    }
}

const REVIEWS: &str = "`/mutate`, `/validate`, `/scheduler/…`";

/// All of them but 200.
pub(super) const ANSWERS: &[Answered] = &[
    answered(
        "webhook",
        "BAD_REQUEST",
        400,
        [
            REVIEWS,
            "the body broke off or is no AdmissionReview, no ExtenderArgs, or is about an object that cannot be read (`bad-request`)",
            "who asks? API servers and kube-scheduler send nothing of the kind",
        ],
    ),
    answered(
        "webhook",
        "UNAUTHORIZED",
        401,
        [
            "`/scheduler/…`",
            "no client certificate, with `--scheduler-client-ca` (`client`)",
            "give kube-scheduler a certificate: [scheduler-extender.md](scheduler-extender.md)",
        ],
    ),
    answered(
        "webhook",
        "FORBIDDEN",
        403,
        [
            "`/scheduler/…`",
            "a client certificate for another name than `--scheduler-client-name` (`client`)",
            "add the name that the answer says, or use another certificate",
        ],
    ),
    answered(
        "webhook",
        "NOT_FOUND",
        404,
        [
            "`/scheduler/explain`",
            "the pod is not known here, or demands nothing that is aligned",
            "correct namespace and name",
        ],
    ),
    answered(
        "webhook",
        "PAYLOAD_TOO_LARGE",
        413,
        [
            REVIEWS,
            "the body is larger than any object can be (`too-large`)",
            "who asks?",
        ],
    ),
    answered(
        "webhook",
        "UNSUPPORTED_MEDIA_TYPE",
        415,
        [
            "`/mutate`, `/validate`",
            "the content type is not `application/json` (`bad-request`)",
            "who asks?",
        ],
    ),
    answered(
        "webhook",
        "INTERNAL_SERVER_ERROR",
        500,
        [
            "all",
            "a defect of the webhook, which ended this request alone (`defect`, `panic`)",
            "report it, with the log's lines and the object's manifest",
        ],
    ),
    answered(
        "webhook",
        "SERVICE_UNAVAILABLE",
        503,
        [
            REVIEWS_AND_READY,
            "not every kind was listed once (`not-synced`); no room for more bodies (`no-room`); the API server did not say a network, a namespace or a permission in time (`api-server`). `/readyz`: what is missing, in a line",
            "[runbooks.md](runbooks.md#polypodadmissionfailing)",
        ],
    ),
    answered(
        "webhook",
        "GATEWAY_TIMEOUT",
        504,
        [
            REVIEWS,
            "not answered in time (`timeout`)",
            "[runbooks.md](runbooks.md#polypodadmissionslow)",
        ],
    ),
    answered(
        "device-bridge",
        "FORBIDDEN",
        403,
        [
            "the hot-plug socket",
            "another user than root and the agent's own asks",
            "ask as root",
        ],
    ),
    answered(
        "device-bridge",
        "NOT_FOUND",
        404,
        [
            "the hot-plug socket",
            "another path than `/cni`, `/delegate`, `/healthz`, `/readyz`",
            "correct the client: [hotplug.md](hotplug.md)",
        ],
    ),
    answered(
        "device-bridge",
        "METHOD_NOT_ALLOWED",
        405,
        [
            "the hot-plug socket",
            "another method than POST",
            "correct the client",
        ],
    ),
    answered(
        "device-bridge",
        "REQUEST_TIMEOUT",
        408,
        [
            "the hot-plug socket",
            "the body did not come",
            "correct the client",
        ],
    ),
    answered(
        "device-bridge",
        "INTERNAL_SERVER_ERROR",
        500,
        [
            "`/metrics`; `/readyz` of the hot-plug socket",
            "the metrics cannot be written; the agent is not ready",
            "the agent's log",
        ],
    ),
    answered(
        "device-bridge",
        "SERVICE_UNAVAILABLE",
        503,
        [
            "`/readyz`",
            "not ready; the answer says in a line what is missing",
            "[observability.md](observability.md#health)",
        ],
    ),
];

const REVIEWS_AND_READY: &str = "`/mutate`, `/validate`, `/scheduler/…`, `/readyz`";

/// Statuses of the kubelet's pod-resources API: the code's name in the sources, its number, words that go with it, what
/// they are taken for, and what is done.
pub(super) const OF_THE_KUBELET: &[(&str, i32, &str, &str, &str)] = &[
    (
        "Unknown",
        2,
        "`… not found`",
        "the kubelet does not know the pod yet",
        "asked again by `List`, then error 11",
    ),
    (
        "Unknown",
        2,
        "`method disabled`",
        "the kubelet has no `Get`",
        "asked by `List`",
    ),
    (
        "NotFound",
        5,
        "",
        "the kubelet does not know the pod yet",
        "asked again by `List`, then error 11",
    ),
    (
        "ResourceExhausted",
        8,
        "`rejected by rate limit`",
        "the limiter that all clients of the socket share",
        "asked again in a moment; `--kubelet-qps` holds the agent below it",
    ),
    (
        "Unimplemented",
        12,
        "",
        "the kubelet has no `Get` (before Kubernetes 1.34)",
        "asked by `List`",
    ),
    (
        "Unavailable",
        14,
        "",
        "the kubelet is not ready",
        "asked again in a moment, then error 11",
    ),
];
