//! The spans of an ADD as a table: who is below whom, from when to when.

use spec::bridge::Times;

use super::*;
use crate::fixture::{bare_question, report};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn context(id: u64) -> TraceContext {
    format!("00-{TRACE}-{id:016x}-01").parse().unwrap()
}

fn stage(name: &str, after_us: u64, took_us: u64) -> Stage {
    Stage {
        name: name.to_owned(),
        after_us,
        took_us,
        parts: Vec::new(),
    }
}

fn made(interface: &str, after_us: u64, delegates: Vec<Stage>) -> AttachmentTimes {
    AttachmentTimes {
        network: format!("default/of-{interface}"),
        interface: interface.parse().unwrap(),
        device: (interface != "eth0").then(|| "0000:3b:02.1".parse().unwrap()),
        after_us,
        took_us: 100,
        delegates,
    }
}

fn of_an_add() -> Report {
    Report {
        times: Some(Times {
            began_us: 1_000_000,
            took_us: 500,
            stages: vec![
                stage("configuration", 0, 10),
                stage("readiness", 10, 0),
                stage("question", 10, 90),
                stage("plan", 100, 50),
                stage("attach", 150, 300),
            ],
            attachments: vec![
                made("eth0", 150, vec![stage("bridge", 5, 90)]),
                made(
                    "net1",
                    260,
                    vec![stage("sriov", 0, 60), stage("tuning", 65, 30)],
                ),
            ],
        }),
        add: Some(context(1)),
        parent: Some(context(7)),
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            .parse()
            .ok(),
        ..report("default/sriov-a")
    }
}

/// A line for each span: the parent's name, its own, microseconds from and until, attributes.
fn told(spans: &[PastSpan]) -> String {
    let micros = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        since.as_micros()
    };
    let parent = |span: &PastSpan| {
        let parent = spans
            .iter()
            .find(|other| Some(&other.own) == span.parent.as_ref());
        parent.map_or_else(
            || {
                span.parent
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string)
            },
            |parent| parent.name.clone(),
        )
    };
    let line = |span: &PastSpan| {
        let attributes: Vec<String> = span
            .attributes
            .iter()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        let (begun, ended) = (micros(span.begun), micros(span.ended));
        let (parent, name) = (parent(span), &span.name);
        format!("{parent} > {name} {begun}..{ended}{}", attributes.concat())
    };
    spans.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_spans_of_an_add() {
    let report = of_an_add();
    let spans = PastSpan::of_add(&report);
    insta::assert_snapshot!(told(&spans), @"
    00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01 > ADD 1000000..1000500 namespace=default pod=p container_id=c1 uid=u1
    ADD > configuration 1000000..1000010
    ADD > readiness 1000010..1000010
    ADD > plan 1000100..1000150
    ADD > attach 1000150..1000450
    attach > attachment 1000150..1000250 network=default/of-eth0 interface=eth0
    attachment > bridge 1000155..1000245
    attach > attachment 1000260..1000360 network=default/of-net1 interface=net1 device=0000:3b:02.1
    attachment > sriov 1000260..1000320
    attachment > tuning 1000325..1000355
    ");
    assert_eq!(spans[0].own, context(1));
    assert_eq!(spans[0].link, report.traceparent, "the runtime's");
    assert!(spans[1..].iter().all(|span| span.link.is_none()));
    let delegate = spans.iter().find(|span| span.name == "tuning").unwrap();
    assert_eq!(
        delegate.own,
        context(1).of_delegate(1, 1),
        "as the plugin told it"
    );
}

#[test]
fn what_the_plugin_was_not_told_or_does_not_tell() {
    let mut without = of_an_add();
    without.add = None;
    assert_eq!(PastSpan::of_add(&without), []);
    let mut without = of_an_add();
    without.times = None;
    assert_eq!(PastSpan::of_add(&without), []);
    let mut without = of_an_add();
    without.times = Some(Times {
        stages: Vec::new(),
        ..without.times.unwrap()
    });
    let spans = PastSpan::of_add(&without);
    assert_eq!(spans[1].name, "attachment");
    assert_eq!(spans[1].parent, Some(context(1)));
}

#[test]
fn no_number_panics() {
    let mut report = of_an_add();
    let times = report.times.as_mut().unwrap();
    times.began_us = u64::MAX;
    times.took_us = u64::MAX;
    times.attachments[0].after_us = u64::MAX;
    assert_eq!(PastSpan::of_add(&report).len(), 10);
}

#[test]
fn a_refused_one() {
    let question = bare_question();
    let above = Above::default();
    let span = PastSpan::refused(&context(1), &above, &question, (at(5), at(9)), 11);
    assert_eq!(
        told(std::slice::from_ref(&span)),
        " > ADD 5..9 namespace=default pod=p container_id=c1 uid=u1"
    );
    assert_eq!((span.failed, span.parent), (Some(11), None));
}
