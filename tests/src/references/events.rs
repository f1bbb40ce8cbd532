//! Every Event that a program writes, and every condition.

use std::collections::BTreeSet;

use super::{
    of_events::{CONDITIONS, EVENTS, NEITHER},
    page::{Page, code, words},
    sources::texts,
};

const ABOUT: &str = "\
What Polypod tells of pods as Events, and of nodes as conditions of their NodeInventory.
`kubectl events --for pod/NAME` and `kubectl get nodeinventories -o wide` show them; `kubectl describe pod` has the Events, too.
News that is told again is one Event that counts.
A pod that the webhook refuses is no Event of the pod, which does not exist, but of whoever would have made it (`FailedCreate`, of the ReplicaSet or Job); the rules are in [reference-errors.md](reference-errors.md#rules-of-admission).
A sandbox that cannot be attached is the kubelet's own Event `FailedCreatePodSandBox` with the plugin's error; the codes are in [reference-errors.md](reference-errors.md#codes-of-the-plugin).
";

pub(super) fn are_those_of_the_programs() {
    nothing_is_missing();
    let mut page = Page::new(
        "reference-events.md",
        "Events and conditions",
        "references::the_events_are_those_of_the_programs",
        ABOUT,
    );
    page.section("Events", "Each on the pod that it is about.");
    let rows = EVENTS.iter().map(|event| {
        [
            code(event.reason),
            event.kind.to_owned(),
            event.from.to_owned(),
            code(event.message),
            event.when.to_owned(),
            event.todo.to_owned(),
        ]
    });
    page.table(
        ["reason", "type", "from", "message", "when", "what to do"],
        rows,
    );
    page.section(
        "Conditions of a node",
        "In `status.conditions` of the NodeInventory of the node's name; [topology.md](topology.md#status) says when it is written.",
    );
    let rows = CONDITIONS.iter().map(|[kind, reason, status, todo]| {
        [code(kind), code(reason), words(status), (*todo).to_owned()]
    });
    page.table(["condition", "reason", "status", "what to do"], rows);
    page.compare();
}

/// Whether a text may be a reason: words that begin with capitals, joined.
fn is_camel_case(text: &str) -> bool {
    let capitals: Vec<bool> = text.chars().map(|c| c.is_ascii_uppercase()).collect();
    text.chars().all(|c| c.is_ascii_alphabetic())
        && capitals.first() == Some(&true)
        && capitals.last() == Some(&false)
        && capitals.iter().filter(|is_capital| **is_capital).count() > 1
        && !capitals.windows(2).any(|pair| pair == [true, true])
}

fn nothing_is_missing() {
    let mut described: BTreeSet<&str> = EVENTS.iter().map(|event| event.reason).collect();
    described.extend(
        CONDITIONS
            .iter()
            .flat_map(|[kind, reason, ..]| [*kind, *reason]),
    );
    let mut seen = BTreeSet::new();
    for found in texts(&["webhook", "device-bridge", "api"]) {
        let text = found.text.as_str();
        if is_camel_case(text) {
            assert!(
                described.contains(text) || NEITHER.contains(&text),
                "{text}, of {}: is it a reason? say so in tests/src/references/of_events.rs",
                found.file
            );
        }
        seen.insert(found.text);
    }
    for reason in &described {
        assert!(seen.contains(*reason), "nobody says {reason}");
    }
}
