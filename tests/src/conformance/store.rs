//! Rows 25, 26 and 70: what the webhook asks of an API server, and when.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    answer::Outcome,
    judge::judge,
    networks,
    row::Row,
    webhook::{Hook, Webhook, review},
};
use crate::fixture::listing::{Listing, Single, kubeconfig};

pub(super) const TESTS: [(&str, fn()); 3] = [
    (
        "conformance::networks_that_are_not_known",
        networks_that_are_not_known,
    ),
    (
        "conformance::a_warm_store_asks_nobody",
        a_warm_store_asks_nobody,
    ),
    ("conformance::claims", claims),
];

const NETWORKS_PATH: &str = "/apis/k8s.cni.cncf.io/v1/network-attachment-definitions";

/// Row 25: whether a network is there cannot be said, which is another thing than that it is not there.
fn networks_that_are_not_known() {
    // Connections are taken by the kernel, and nobody reads them.
    let silent = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = silent.local_addr().expect("it is bound");
    let webhook = Webhook::of_api_server(&kubeconfig(&format!("http://{address}")));
    let selects = Row::networks("25", "foo");
    for hook in [Hook::Mutate, Hook::Validate] {
        let text = unanswered(&webhook, hook, &selects);
        assert!(text.contains("not known yet"), "row 25: {text}");
        let plain = webhook.ask(hook, &Row::pod("25"));
        let plain = plain.expect("a pod without networks does not wait for them");
        assert!(
            matches!(plain.outcome, Outcome::Allowed { .. }),
            "row 25: {plain:?}"
        );
    }

    let server = Listing::start([(NETWORKS_PATH, networks::all())]);
    let webhook = warm(&server);
    let missing = Row::networks("25", "fooo");
    for single in [Single::Error, Single::Silent] {
        server.answers_reads(single);
        for hook in [Hook::Mutate, Hook::Validate] {
            let text = unanswered(&webhook, hook, &missing);
            assert!(text.contains("default/fooo"), "row 25: {single:?}: {text}");
        }
    }
    server.answers_reads(Single::NotFound);
    let answer = webhook.ask(Hook::Mutate, &missing).expect("it is answered");
    let Outcome::Denied { code, message } = answer.outcome else {
        panic!("row 25: {answer:?}");
    };
    assert_eq!(code, 403, "row 25");
    assert!(message.contains("did you mean foo"), "row 25: {message}");
}

/// A request that the API server may send again: an HTTP error of the 500 class, and not the words of a denial.
fn unanswered(webhook: &Webhook, hook: Hook, row: &Row) -> String {
    let (status, text) = webhook.post(hook, &review(row, &row.object, false).to_string());
    assert_eq!(status, 503, "row 25: {hook:?}: {text}");
    assert!(
        !text.contains("there is no NetworkAttachmentDefinition"),
        "row 25: {text}"
    );
    text
}

/// Rows 26 and 70: whatever is in the store is not read again, however many ask at once.
fn a_warm_store_asks_nobody() {
    let server = Listing::start([(NETWORKS_PATH, networks::all())]);
    let webhook = warm(&server);
    let before = server.asked();
    for text in ["plain", "noannot", "noannot,noannot,plain"] {
        let row = Row::networks("26", text);
        for hook in [Hook::Mutate, Hook::Validate] {
            let answer = webhook.ask(hook, &row).expect("it is answered");
            assert!(
                matches!(
                    answer.outcome,
                    Outcome::Allowed {
                        is_patched: false,
                        ..
                    }
                ),
                "row 26: {answer:?}"
            );
        }
    }
    assert_eq!(server.asked(), before, "row 26");

    std::thread::scope(|scope| {
        for number in 0..100_usize {
            let webhook = &webhook;
            scope.spawn(move || {
                let count = number % 10;
                let row = Row::networks("70", &vec!["foo"; count].join(","))
                    .set("/metadata/name", format!("web-{number}").into());
                let row = match u64::try_from(count) {
                    Ok(count) if count > 0 => row.gets("containers/0", "example.com/foo", count),
                    _ => row,
                };
                let answer = webhook.ask(Hook::Mutate, &row).expect("it is answered");
                let wanted = Outcome::Allowed {
                    object: row.wanted_object(),
                    is_patched: count > 0,
                };
                assert_eq!(answer.outcome, wanted, "row 70");
            });
        }
    });
    assert_eq!(server.asked(), before, "row 70");
}

/// A webhook that has listed everything.
fn warm(server: &Listing) -> Webhook {
    let webhook = Webhook::of_api_server(&server.kubeconfig());
    let row = Row::networks("70", "foo");
    let until = Instant::now() + Duration::from_secs(60);
    while let Err(problem) = webhook.ask(Hook::Mutate, &row) {
        assert!(Instant::now() < until, "the store is not synced: {problem}");
        std::thread::sleep(Duration::from_millis(20));
    }
    webhook
}

/// Row 59: what claims of the pod supply is known from their templates, without a word in the NetworkAttachmentDefinition.
fn claims() {
    let [templates, classes] = networks::claims();
    let server = Listing::start([(NETWORKS_PATH, networks::all()), templates, classes]);
    let webhook = warm(&server);
    let claims = |networks: &str, template: &str| {
        Row::networks("59", networks)
            .set(
                "/spec/resourceClaims",
                json!([{"name": "devices", "resourceClaimTemplateName": template}]),
            )
            .set(
                "/spec/containers/0/resources",
                json!({"claims": [{"name": "devices"}]}),
            )
    };
    let c0 = "containers/0";
    let rows = [
        claims("foo", "foo"),
        claims("foo2", "foo"),
        claims("foo,bar", "foo").gets(c0, "example.com/bar", 1),
        claims("foo", "other").gets(c0, "example.com/foo", 1),
        // An extended resource behind which is a DeviceClass is requested like any other.
        Row::networks("59", "bar").gets(c0, "example.com/bar", 1),
    ];
    judge(&webhook, &rows);
}
