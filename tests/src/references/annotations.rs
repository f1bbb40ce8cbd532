//! Every annotation and label that a program reads or writes.

use std::collections::BTreeSet;

use super::{
    of_annotations::{BORROWED, Key, MEMBERS, NONE, OF_NETWORKS, OF_OTHERS, OF_PODS, WRITTEN},
    page::{Page, code, words},
    sources::{SHIPPED, of, texts},
};

const ABOUT: &str = "\
Every annotation and label that Polypod reads or writes: on which object, by whom, in which form.
Annotations of pods are judged when the pod is created: one that cannot be carried out is refused with the place and what would be right.
What a cluster's administrator injects by label ([reference-configuration.md](reference-configuration.md), `injection.userDefined`) has the keys that he writes there.
";

const SECTIONS: [(&str, &str, &[Key]); 5] = [
    ("On pods", "Written by people and controllers.", OF_PODS),
    (
        "What Polypod writes on pods",
        "By the node agent and the webhook; nobody else needs to.",
        WRITTEN,
    ),
    (
        "On NetworkAttachmentDefinitions",
        "By the network's owner.",
        OF_NETWORKS,
    ),
    ("Elsewhere", "", OF_OTHERS),
    (
        "What is read of others",
        "Keys of Kubernetes and of drivers that decide something here.",
        BORROWED,
    ),
];

pub(super) fn are_those_of_the_programs() {
    nothing_is_missing();
    members_are_those_of_the_parser();
    let mut page = Page::new(
        "reference-annotations.md",
        "Annotations and labels",
        "references::the_annotations_are_those_of_the_programs",
        ABOUT,
    );
    for (title, about, keys) in SECTIONS {
        page.section(title, about);
        let rows = keys.iter().map(|key| {
            [
                code(key.key),
                key.object.to_owned(),
                key.by.to_owned(),
                key.read_by.to_owned(),
                key.format.to_owned(),
                code(key.example),
                key.meaning.to_owned(),
            ]
        });
        page.table(
            [
                "key",
                "on",
                "written by",
                "read by",
                "format",
                "example",
                "meaning",
            ],
            rows,
        );
        if title == SECTIONS[0].0 {
            page.section(
                "An element of the annotation",
                "The members of an object in the JSON form of `k8s.v1.cni.cncf.io/networks` and `v1.multus-cni.io/default-network`. Keys are matched in any case, unknown ones are passed over, `null` is none.",
            );
            let rows = MEMBERS
                .iter()
                .map(|[name, value, meaning]| [code(name), words(value), (*meaning).to_owned()]);
            page.table(["member", "value", "meaning"], rows);
        }
    }
    page.compare();
}

/// Domains, without which a text is no key.
const ENDINGS: [&str; 4] = [".io", ".dev", ".com", ".net"];

/// Whether a text is a key with a domain.
fn is_key(text: &str) -> bool {
    let Some((domain, name)) = text.split_once('/') else {
        return false;
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    ENDINGS.iter().any(|ending| domain.ends_with(ending))
        && !domain.starts_with('.')
        && domain
            .chars()
            .all(|c| allowed(c) && !c.is_ascii_uppercase())
        && !name.is_empty()
        && name.chars().all(allowed)
}

fn nothing_is_missing() {
    let described: BTreeSet<&str> = SECTIONS
        .iter()
        .flat_map(|(_, _, keys)| keys.iter().map(|key| key.key))
        .collect();
    let mut seen = BTreeSet::new();
    for found in texts(&SHIPPED) {
        // Alone, or in a text that names it.
        let parts = found
            .text
            .split(|c: char| !c.is_ascii_alphanumeric() && !"-._/".contains(c));
        for part in parts.filter(|part| is_key(part)) {
            assert!(
                described.contains(part) || NONE.contains(&part),
                "{part}, of {}, is not in tests/src/references/of_annotations.rs",
                found.file
            );
            seen.insert(part.to_owned());
        }
        seen.insert(found.text);
    }
    let policy = std::fs::read_to_string(
        crate::fixture::binaries::workspace().join("manifests/base/credentials/token-policy.yaml"),
    );
    let policy = policy.expect("the policy is there");
    for key in described.iter().chain(NONE) {
        assert!(
            seen.contains(*key) || policy.contains(key),
            "{key} is described, and no program has it"
        );
    }
}

fn members_are_those_of_the_parser() {
    let parser = of("spec");
    let (_, code) = parser
        .iter()
        .find(|(file, _)| file.ends_with("network/json_form.rs"))
        .expect("the parser is there");
    let read: BTreeSet<&str> = code
        .split("field(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let described: BTreeSet<&str> = MEMBERS.iter().map(|member| member[0]).collect();
    assert_eq!(read, described, "members of an element");
}
