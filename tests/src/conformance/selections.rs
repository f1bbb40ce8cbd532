//! Rows 1 to 26: what annotations select, and what is said about those that select nothing.

use serde_json::{Value, json};

use super::{
    judge::judge,
    row::{NETWORKS, Row},
    webhook::Webhook,
};

pub(super) fn selections() {
    judge(&Webhook::start(None), &rows());
}

pub(super) fn rows() -> Vec<Row> {
    [injected(), let_in(), malformed(), missing()].concat()
}

const FOO: &str = "example.com/foo";
const BAR: &str = "example.com/bar";
const NSFOO: &str = "example.com/nsfoo";
const C0: &str = "containers/0";

fn injected() -> Vec<Row> {
    vec![
        Row::networks("1", "foo").gets(C0, FOO, 1),
        Row::networks("2", "foo, foo").gets(C0, FOO, 2),
        Row::networks("3", "foo,foo2").gets(C0, FOO, 2),
        Row::networks("4", "foo,bar")
            .gets(C0, FOO, 1)
            .gets(C0, BAR, 1),
        Row::networks("5", r#"[{"name":"foo"},{"name":"foo","namespace":"ns1"}]"#)
            .gets(C0, FOO, 1)
            .gets(C0, NSFOO, 1),
        Row::networks("6", "foo")
            .without("/metadata/namespace")
            .requested_in("ns1")
            .gets(C0, NSFOO, 1),
        Row::networks("7", "foo , bar")
            .gets(C0, FOO, 1)
            .gets(C0, BAR, 1),
        Row::networks("19", "foo@Net_1").gets(C0, FOO, 1),
        Row::networks("19", "foo@net1.100").gets(C0, FOO, 1),
        Row::networks("22", "ns1 /foo").gets(C0, NSFOO, 1),
    ]
}

fn let_in() -> Vec<Row> {
    vec![
        Row::networks("12", "[]").warns(&["empty list"]),
        Row::networks("13", ""),
        Row::pod("14"),
        Row::pod("14").set("/metadata/annotations", json!({})),
        Row::pod("14").set("/metadata/annotations", Value::Null),
        Row::networks("21", r#"[{"name":"foo.bar"}]"#),
        Row::networks("26", "plain"),
        Row::networks("26", "noannot"),
        Row::networks("26", "plain,noannot,ns1/onlyns1"),
    ]
}

fn malformed() -> Vec<Row> {
    let networks = |number, text| Row::networks(number, text);
    vec![
        networks("8", "foo,").invalid(&[NETWORKS, "entry 2", "empty"]),
        networks("8", ",foo").invalid(&["entry 1", "empty"]),
        networks("9", "[{}]").invalid(&["entry 1", "name", "missing"]),
        networks("9", r#"[{"namespace":"ns1"}]"#).invalid(&["entry 1", "name", "missing"]),
        networks("10", "[null]").invalid(&["entry 1", "null"]),
        networks("10", r#"[{"name":"foo"},null]"#).invalid(&["entry 2", "null"]),
        networks("15", r#"{"name":"foo"}"#).invalid(&["must be a JSON array"]),
        networks("16", r#"[{"name":"foo","ips":"10.0.0.1"}]"#).invalid(&["ips", "list", "/0/ips"]),
        networks("17", r#"[{"name":"default/foo"}]"#).invalid(&[
            "default/foo",
            "'/'",
            r#""namespace": "default""#,
        ]),
        networks("18", "a/b/c").invalid(&["a/b/c"]),
        networks("18", "foo@a@b").invalid(&["foo@a@b"]),
        networks("18", "a/\u{1b}b\n/c\u{7f}").invalid(&["entry 1"]),
        networks("20", "foo@abcdefghijklmnop").invalid(&["interface", "abcdefghijklmnop"]),
        networks("20", "foo@a b").invalid(&["interface", "a b"]),
        networks("21", "foo.bar").invalid(&["foo.bar", r#"[{"name": "foo.bar"}]"#]),
    ]
}

fn missing() -> Vec<Row> {
    let networks = |number, text| Row::networks(number, text);
    vec![
        networks("11", "null").forbidden(&["default/null", "remove the annotation"]),
        networks("23", "fooo").forbidden(&["default/fooo", "did you mean foo"]),
        networks("23", r#"[{"name":"foo"},{"name":"barr"}]"#).forbidden(&[
            "entry 2",
            "default/barr",
            "did you mean bar",
        ]),
        networks("24", "onlyns1").forbidden(&["default/onlyns1", "exists in ns1"]),
        networks("24", r#"[{"name":"onlyns1","namespace":"default"}]"#)
            .forbidden(&["default/onlyns1", "exists in ns1"]),
    ]
}
