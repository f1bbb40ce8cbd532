//! What the webhook tells of admission, of what it knows, and of its certificate.

use super::metric::{
    Label, Metric,
    Values::{Any, Rules, These},
};

const HOOK: Label = Label("hook", These(&["mutate", "validate"]));
const RESOURCE: Label = Label(
    "resource",
    Any("the resource; the first 50 by name, then `other`"),
);
const KIND: Label = Label(
    "kind",
    These(&[
        "NetworkAttachmentDefinitions",
        "Namespaces",
        "ResourceClaims",
        "ResourceClaimTemplates",
        "DeviceClasses",
        "Pods",
    ]),
);
const TYPES: Label = Label("networks", Any("`any`, or the types of their plugins"));

pub(super) const ADMISSION: &[Metric] = &[
    Metric::counter(
        "polypod_admission_decisions_total",
        "reviews",
        &[
            HOOK,
            Label(
                "decision",
                These(&["allowed", "patched", "denied", "failed"]),
            ),
            Label(
                "reason",
                Rules(&[
                    "none",
                    "bad-request",
                    "too-large",
                    "no-room",
                    "not-synced",
                    "api-server",
                    "timeout",
                    "defect",
                    "panic",
                ]),
            ),
        ],
        "Reviews that were answered. The reason of a denial is the first rule that is broken, that of a failure what kept it from being decided",
        "`failed` at all: pods that select networks are refused meanwhile. `denied` when it jumps: somebody's manifests, or your policy, changed",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_admission_findings_total",
        "findings",
        &[
            Label("rule", Rules(&[])),
            Label("mode", These(&["warn", "monitor"])),
        ],
        "Broken rules that the policy lets pass, counted by the validating hook",
        "before a rule is enforced: these pods will be denied",
    ),
    Metric::counter(
        "polypod_injected_devices_total",
        "devices",
        &[RESOURCE],
        "Devices added to pods, dry runs left out",
        "",
    ),
    Metric::histogram(
        "polypod_admission_request_duration_seconds",
        &[HOOK],
        "From a review's headers to its answer, 50 µs to 1.6 s",
        "above a second: API servers give up after five (`timeoutSeconds`)",
    ),
    Metric::gauge(
        "polypod_admission_requests_in_flight",
        "reviews",
        &[HOOK],
        "Reviews that are being answered",
        "when it grows and does not come down",
    ),
    Metric::counter(
        "polypod_admission_panics_total",
        "reviews",
        &[],
        "Reviews that a defect of the webhook ended",
        "at all: report it",
    )
    .beginning_at_zero(),
    Metric::gauge(
        "polypod_connections",
        "connections",
        &[],
        "Open connections to the TLS port",
        "near `--max-connections`",
    ),
    Metric::counter(
        "polypod_connections_refused_total",
        "connections",
        &[Label("limit", These(&["all", "peer"]))],
        "Connections closed at once: too many together, or of one address",
        "at all: API servers are among those refused",
    )
    .beginning_at_zero(),
    Metric::counter(
        "polypod_tls_handshakes_failed_total",
        "connections",
        &[],
        "Connections closed because TLS did not begin, in time or at all",
        "when it grows with decisions at a standstill: callers do not trust the certificate",
    )
    .beginning_at_zero(),
];

pub(super) const KNOWN: &[Metric] = &[
    Metric::gauge(
        "polypod_networks",
        "objects",
        &[],
        "NetworkAttachmentDefinitions that are known",
        "0 on a cluster that has some",
    ),
    Metric::gauge(
        "polypod_store_objects",
        "objects",
        &[KIND],
        "Objects that are known",
        "",
    ),
    Metric::gauge(
        "polypod_store_synced",
        "0 or 1",
        &[KIND],
        "1 where the kind was listed once",
        "0 for minutes: reviews are answered 503",
    ),
    Metric::gauge(
        "polypod_store_last_event_age_seconds",
        "seconds",
        &[KIND],
        "Since the watch of the kind brought something last",
        "large alone means a quiet cluster; together with changes that are not seen, a watch that is stuck",
    ),
    Metric::gauge(
        "polypod_configuration_valid",
        "0 or 1",
        &[Label("source", These(&["config", "control-switches"]))],
        "1 where what was read last is in force, 0 where the last good one stays",
        "0: the change that somebody made has no effect",
    ),
    Metric::gauge(
        "polypod_configuration_last_change_timestamp_seconds",
        "seconds since 1970",
        &[],
        "When the policy in force changed last",
        "",
    ),
    Metric::gauge(
        "polypod_configuration",
        "1",
        &[Label("hash", Any("the hash of the policy in force"))],
        "1, for the policy in force",
        "two hashes for longer than a roll-out: replicas judge differently",
    ),
    Metric::gauge(
        "network_attachment_definition_instances",
        "pods",
        &[TYPES],
        "Pods that use networks, under the name that net-attach-def-admission-controller has for it",
        "",
    ),
    Metric::gauge(
        "network_attachment_definition_enabled_instance_up",
        "0 or 1",
        &[Label("networks", These(&["any", "sriov", "ib-sriov"]))],
        "Whether any pod uses such networks, under the name that net-attach-def-admission-controller has for it",
        "",
    ),
];

pub(super) const CERTIFICATE: &[Metric] = &[
    Metric::gauge(
        "polypod_tls_leaf_expiry_seconds",
        "seconds",
        &[],
        "Until the certificate that is served expires",
        "below a quarter of `--leaf-life`: it is renewed at a third",
    ),
    Metric::gauge(
        "polypod_tls_ca_expiry_seconds",
        "seconds",
        &[Label("serial", Any("the serial number of the CA"))],
        "The same of each trusted CA",
        "below a quarter of `--ca-life`",
    ),
    Metric::counter(
        "polypod_tls_reload_errors_total",
        "certificates",
        &[],
        "New certificates that were not served because clients would have refused them, or because they were damaged",
        "at all: the old one goes on, until it expires",
    )
    .beginning_at_zero(),
    Metric::gauge(
        "polypod_tls_leader",
        "0 or 1",
        &[],
        "1 on the replica that renews the certificates in the Secret",
        "with `--cert-secret`, a sum other than 1 for minutes",
    ),
    Metric::gauge(
        "polypod_tls_name_missing",
        "0 or 1",
        &[],
        "1 on a replica that serves the Secret's certificate and was given a name that is not in it",
        "1 for longer than a roll-out",
    ),
    Metric::gauge(
        "polypod_tls_ca_bundle_mismatch",
        "0 or 1",
        &[],
        "1 while the `caBundle` of a webhook configuration does not verify the certificate that is served; only with `--webhook-configuration`",
        "1 for minutes: API servers cannot call the webhook",
    ),
];
