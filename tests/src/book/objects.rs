//! The objects that pages show: each is one that `kubectl-polypod lint` finds nothing wrong with.

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::page::{self, Block, Page};
use crate::fixture::kubectl_polypod;

/// The blocks of a page are judged together: it is read from its beginning, and what it defines is there.
///
/// What is no whole object, such as a `metadata` alone, is an excerpt and is not judged.
pub(super) fn are_without_a_finding() {
    let mut networks_and_pods = 0;
    for page in page::of_the_book() {
        let objects: Vec<Value> = page
            .blocks
            .iter()
            .filter(|block| ["yaml", "yml"].contains(&block.language.as_str()))
            .flat_map(|block| whole(&page, block))
            .collect();
        if objects.is_empty() {
            continue;
        }
        networks_and_pods += objects
            .iter()
            .filter(|object| {
                object["kind"] == "NetworkAttachmentDefinition" || object["kind"] == "Pod"
            })
            .count();
        let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
        let output = kubectl_polypod::run(
            "lint",
            &["-f", "-", "--strict", "-o", "json"],
            &texts.join("\n---\n"),
        );
        let told: Value = serde_json::from_slice(&output.stdout).expect("lint prints JSON");
        let page = page.path.display();
        assert_eq!(told["findings"], json!([]), "{page}: {told:#}");
        assert_eq!(told["unusable"], json!([]), "{page}: {told:#}");
        assert!(output.status.success(), "{page}");
    }
    assert!(networks_and_pods > 20, "the how-tos show networks and pods");
}

/// The documents of a block that name their version and kind. Every document must be YAML.
fn whole(page: &Page, block: &Block) -> Vec<Value> {
    let at = format!("{}:{}", page.path.display(), block.line);
    serde_yaml_ng::Deserializer::from_str(&block.text)
        .map(|document| {
            Value::deserialize(document).unwrap_or_else(|error| panic!("{at}: {error}"))
        })
        .filter(|document| document["apiVersion"].is_string() && document["kind"].is_string())
        .collect()
}
