//! The manifest by which krew installs `kubectl-polypod`: what of krew's schema (`krew.googlecontainertools.github.com/v1alpha2`)
//! and of its index's rules can be judged before a release.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{fixture::binaries::workspace, scenario::Scenario};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![Scenario {
        name: "krew::the_manifest_is_what_krew_takes",
        needs: &[],
        body: the_manifest_is_what_krew_takes,
    }]
}

/// The fields of a Plugin's spec, of a platform and of a file; krew refuses others.
const OF_SPEC: [&str; 6] = [
    "version",
    "shortDescription",
    "description",
    "caveats",
    "homepage",
    "platforms",
];
const OF_PLATFORM: [&str; 5] = ["uri", "sha256", "selector", "files", "bin"];

fn the_manifest_is_what_krew_takes() {
    let text = std::fs::read_to_string(workspace().join("manifests/krew/polypod.yaml"))
        .expect("the manifest is there");
    let manifest: Value = serde_yaml_ng::from_str(&text).expect("it is YAML");
    assert_eq!(
        (
            &manifest["apiVersion"],
            &manifest["kind"],
            &manifest["metadata"]["name"]
        ),
        (
            &"krew.googlecontainertools.github.com/v1alpha2".into(),
            &"Plugin".into(),
            &"polypod".into()
        )
    );
    let spec = &manifest["spec"];
    has_only(spec, &OF_SPEC);
    assert_eq!(spec["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    let short = spec["shortDescription"]
        .as_str()
        .expect("it says what it is");
    assert!(
        (1..=50).contains(&short.chars().count()),
        "{short:?}: krew's index takes 50 characters"
    );
    assert!(
        !short.ends_with('.') && !short.to_lowercase().contains("kubectl"),
        "{short:?}"
    );
    assert!(
        spec["description"]
            .as_str()
            .is_some_and(|text| text.len() > short.len())
    );
    // What only a release knows is not made up: cargo dist krew adds it.
    assert!(!text.contains("uri:") && !text.contains("sha256:") && !text.contains("homepage:"));

    let mut machines = BTreeSet::new();
    for platform in spec["platforms"].as_array().expect("it has platforms") {
        has_only(platform, &OF_PLATFORM);
        assert_eq!(platform["bin"], "kubectl-polypod");
        let labels = &platform["selector"]["matchLabels"];
        has_only(labels, &["os", "arch"]);
        let word = |key: &str| labels[key].as_str().expect("a word").to_owned();
        machines.insert((word("os"), word("arch")));
        let files = platform["files"].as_array().expect("it says which files");
        let from: BTreeSet<&str> = files
            .iter()
            .filter_map(|file| file["from"].as_str())
            .collect();
        assert_eq!(from, ["LICENSE", "kubectl-polypod"].into());
    }
    let wanted = ["amd64", "arm64"].map(|machine| ("linux".to_owned(), machine.to_owned()));
    assert_eq!(machines, wanted.into());
}

fn has_only(object: &Value, known: &[&str]) {
    let fields = object.as_object().expect("it is an object");
    for field in fields.keys() {
        assert!(known.contains(&field.as_str()), "krew knows no {field}");
    }
}
