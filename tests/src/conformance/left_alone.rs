//! Rows 57 to 63: pods that are going, that run already, or that get their devices in another way.

use serde_json::{Value, json};

use super::{
    judge::judge,
    row::{NETWORKS, Row},
    webhook::{Hook, Webhook},
};

const FOO: &str = "example.com/foo";

pub(super) fn left_alone() {
    let webhook = Webhook::start(None);
    judge(&webhook, &rows());
    no_patch_on_update(&webhook, &rows());
}

/// Row 60 where the administrator warns of missing devices only.
pub(super) fn relaxed() {
    let configuration = json!({
        "apiVersion": "polypod.dev/v1alpha1", "kind": "AdmissionConfiguration",
        "modes": [{"rules": ["device-deficit"], "mode": "warn"}],
    });
    let webhook = Webhook::start(Some(&configuration));
    judge(&webhook, &rows_relaxed());
    no_patch_on_update(&webhook, &rows_relaxed());
}

/// Nothing of a stored pod but its metadata can change: a patch would be refused, and be an internal error.
fn no_patch_on_update(webhook: &Webhook, rows: &[Row]) {
    for row in rows.iter().filter(|row| row.old.is_some()) {
        let answer = webhook.ask(Hook::Mutate, row).expect("it is answered");
        let patched = format!("{:?}", answer.outcome).contains("is_patched: true");
        assert!(!patched, "row {}: {answer:?}", row.number);
    }
}

pub(super) fn rows() -> Vec<Row> {
    let host_network = |row: Row| row.set("/spec/hostNetwork", json!(true));
    let mirror = |row: Row| row.annotated("kubernetes.io/config.mirror", "5d0b5d1a");
    let going = |row: Row| row.set("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"));
    let claim = json!([{"name": "devices", "resourceClaimTemplateName": "sriov"}]);
    vec![
        host_network(Row::networks("57", "foo")).warns(&["hostNetwork"]),
        host_network(Row::default_network("57", "def")).warns(&["hostNetwork"]),
        host_network(Row::networks("57", "fooo")).warns(&["hostNetwork"]),
        host_network(Row::pod("57")),
        mirror(Row::networks("58", "foo")),
        mirror(Row::networks("58", "fooo")),
        Row::networks("59", "claimed")
            .set("/spec/resourceClaims", claim)
            .set(
                "/spec/containers/0/resources",
                json!({"claims": [{"name": "devices"}]}),
            ),
        Row::networks("60", "foo")
            .updates(|old| old.without("/metadata/annotations"))
            .forbidden(&[FOO, "needs 1"]),
        Row::networks("60", "foo,foo")
            .set("/spec/containers/0/resources", both(1))
            .updates(|old| old.annotated(NETWORKS, "foo"))
            .forbidden(&[FOO, "needs 2"]),
        Row::networks("60", "foo")
            .set("/spec/containers/0/resources", both(1))
            .updates(|old| old.without("/metadata/annotations")),
        Row::networks("60", "noannot").updates(|old| old.without("/metadata/annotations")),
        Row::networks("61", "fooo")
            .set("/metadata/labels", json!({"a": "b"}))
            .updates(|old| old.without("/metadata/labels")),
        Row::networks("61", "[null]")
            .set("/metadata/labels", json!({"a": "b"}))
            .updates(|old| old.without("/metadata/labels")),
        Row::pod("61").updates(|old| old.annotated(NETWORKS, "[null]")),
        going(Row::networks("62", "foo")),
        going(Row::networks("62", "[null]")),
        going(Row::networks("62", "fooo")).updates(|old| old.annotated(NETWORKS, "foo")),
        // Row 63 is asked about every row: each request is posted once more as a dry run.
        Row::networks("63", "foo").gets("containers/0", FOO, 1),
    ]
}

pub(super) fn rows_relaxed() -> Vec<Row> {
    vec![
        Row::networks("60", "foo")
            .updates(|old| old.without("/metadata/annotations"))
            .warns(&[FOO]),
    ]
}

/// Requests and limits of `example.com/foo`.
fn both(quantity: u64) -> Value {
    json!({"requests": {FOO: quantity.to_string()}, "limits": {FOO: quantity.to_string()}})
}
