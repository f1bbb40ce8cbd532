//! What commands name of this repository is there: files, objects, tests, benches, values of the chart.

use std::{collections::BTreeSet, fs, sync::OnceLock};

use serde_json::Value;

use super::{fate, script::Stage};
use crate::{
    fixture::binaries::workspace,
    manifests::objects::{manifests, read},
};

pub(super) fn problems(stage: &Stage) -> Vec<String> {
    let mut problems = of_paths(stage);
    problems.extend(of_objects(stage));
    let words: Vec<&str> = stage.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["helm", arguments @ ..] => problems.extend(of_values(arguments)),
        ["cargo", "bench", arguments @ ..] => problems.extend(of_benches(arguments)),
        ["cargo", "test", arguments @ ..] => problems.extend(of_tests(arguments)),
        ["cargo", "dist", arguments @ ..] => problems.extend(of_dist(arguments)),
        _ => {}
    }
    problems
}

/// The folders of the repository, by which a path is told to be in it.
fn folders() -> &'static BTreeSet<String> {
    static FOLDERS: OnceLock<BTreeSet<String>> = OnceLock::new();
    FOLDERS.get_or_init(|| {
        let entries = fs::read_dir(workspace()).expect("it is there");
        let names = entries.flatten().filter(|entry| entry.path().is_dir());
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        // What is built is not there at first, and what a command makes neither.
        names.filter(|name| name != "target").collect()
    })
}

fn of_paths(stage: &Stage) -> Vec<String> {
    let words = stage.words.iter().chain(&stage.reads);
    let paths = words
        .flat_map(|word| word.rsplit(['=', ',']).next())
        .filter(|path| {
            let first = path.trim_start_matches("./").split('/').next();
            path.contains('/')
                && !path.contains(['$', '*', ':', ' '])
                && first.is_some_and(|first| folders().contains(first))
        });
    let is_made = |path: &str| {
        stage.words.first().is_some_and(|word| word == "mkdir")
            || path.starts_with("tests/fuzz/corpus")
    };
    let paths = paths.map(|path| match path.rsplit_once('/') {
        // Where a reader's choice stands in the place of a name.
        Some((folder, name)) if fate::is_placeholder(name) => folder,
        _ => path,
    });
    paths
        .filter(|path| !is_made(path) && !workspace().join(path).exists())
        .map(|path| format!("there is no {path}"))
        .collect()
}

/// Kinds whose objects of ours commands name as `kind/name`.
const KINDS: [&str; 3] = ["deployment", "daemonset", "service"];

/// Names of our objects of these kinds.
fn objects() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let files = ["install.yaml", "uninstall.yaml"];
        let objects = files.iter().flat_map(|file| read(&manifests(file)));
        let mut names: BTreeSet<String> = objects
            .map(|object| {
                let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let kind = word(&object["kind"]).to_lowercase();
                format!("{kind}/{}", word(&object["metadata"]["name"]))
            })
            .collect();
        // Of the component second-scheduler.
        names.insert("deployment/polypod-scheduler".to_owned());
        names
    })
}

fn of_objects(stage: &Stage) -> Vec<String> {
    let named = stage.words.iter().filter(|word| {
        word.split_once('/')
            .is_some_and(|(kind, name)| KINDS.contains(&kind) && name.starts_with("polypod-"))
    });
    named
        .filter(|word| !objects().contains(*word))
        .map(|word| format!("the manifests have no {word}"))
        .collect()
}

/// `--set a.b=c,d=e` names values of the chart.
fn of_values(arguments: &[&str]) -> Vec<String> {
    let file = fs::read_to_string(manifests("chart/values.schema.json"));
    let schema: Value =
        serde_json::from_str(&file.expect("the schema is there")).expect("it is JSON");
    let sets = arguments.windows(2).filter(|pair| pair[0] == "--set");
    let values = sets.flat_map(|pair| pair[1].split(','));
    values
        .filter_map(|value| {
            let (path, _) = value.split_once('=')?;
            (!has_value(&schema, path)).then(|| format!("the chart has no value {path}"))
        })
        .collect()
}

/// Whether the schema has the value; objects without properties take any.
fn has_value(schema: &Value, path: &str) -> bool {
    let mut at = schema;
    for part in path.split('.') {
        if let Some(reference) = at["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            at = schema.pointer(pointer).unwrap_or(&Value::Null);
        }
        let Some(properties) = at.get("properties") else {
            return at["type"] == "object";
        };
        let Some(found) = properties.get(part) else {
            return false;
        };
        at = found;
    }
    true
}

fn of_benches(arguments: &[&str]) -> Vec<String> {
    let named = arguments.windows(2).filter(|pair| pair[0] == "--bench");
    named
        .filter(|pair| {
            !workspace()
                .join(format!("tests/benches/{}.rs", pair[1]))
                .exists()
        })
        .map(|pair| format!("there is no bench {}", pair[1]))
        .collect()
}

/// A filter of tests fits one.
fn of_tests(arguments: &[&str]) -> Vec<String> {
    let Some(end) = arguments.iter().position(|word| *word == "--") else {
        return Vec::new();
    };
    let is_of_tests = arguments.windows(2).any(|pair| pair == ["--test", "tests"]);
    let filters = arguments[end + 1..]
        .iter()
        .filter(|word| !word.starts_with('-'));
    filters
        .filter(|filter| {
            is_of_tests
                && !crate::scenarios()
                    .iter()
                    .any(|known| known.name.contains(**filter))
        })
        .map(|filter| format!("no test has {filter} in its name"))
        .collect()
}

/// The commands and flags of `cargo dist`, as its source has them: it is no member of the workspace.
fn of_dist(arguments: &[&str]) -> Vec<String> {
    let source = fs::read_to_string(workspace().join("dist/src/main.rs")).expect("it is there");
    let mut problems = Vec::new();
    let command = arguments.first().copied().unwrap_or_default();
    let mut letters = command.chars();
    let variant: String = letters
        .next()
        .map(|c| c.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect();
    if !source.contains(&format!("    {variant}")) {
        problems.push(format!("cargo dist has no command {command}"));
    }
    for flag in arguments.iter().filter_map(|word| word.strip_prefix("--")) {
        let field = flag.replace('-', "_");
        if !source.contains(&format!("{field}:")) {
            problems.push(format!("cargo dist has no flag --{flag}"));
        }
    }
    problems
}
