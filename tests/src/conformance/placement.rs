//! Rows 49 to 52: the labels that a network asks of its nodes.

use serde_json::json;

use super::{
    judge::judge,
    row::{Code, Row},
    webhook::Webhook,
};

pub(super) fn placement() {
    judge(&Webhook::start(None), &rows());
}

pub(super) fn rows() -> Vec<Row> {
    let networks = |number, text| Row::networks(number, text);
    let gets = |row: Row, quantity| row.gets("containers/0", "example.com/foo", quantity);
    let selector = "/spec/nodeSelector";
    vec![
        gets(networks("49", "eno3"), 1).changes(selector, json!({"master": "eno3"})),
        gets(networks("49", "eno3,eno3"), 2).changes(selector, json!({"master": "eno3"})),
        gets(networks("49", "eno3"), 1)
            .set(selector, json!({"disk": "ssd"}))
            .changes(selector, json!({"disk": "ssd", "master": "eno3"})),
        gets(networks("49", "eno3"), 1).set(selector, json!({"master": "eno3"})),
        networks("50", "eno3,eno4")
            .denied(Code::Either, &["default/eno3", "default/eno4", "master"]),
        networks("51", "eno3")
            .set(selector, json!({"master": "mine"}))
            .denied(Code::Either, &["default/eno3", "master", "mine", "eno3"]),
        gets(networks("52", "gpu"), 1).changes(selector, json!({"gpu": ""})),
        gets(networks("52", "labels"), 1).changes(selector, json!({"a": "b", "c": "d"})),
        gets(networks("52", "labels,gpu"), 2)
            .changes(selector, json!({"a": "b", "c": "d", "gpu": ""})),
    ]
}
