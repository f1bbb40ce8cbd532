//! What stands in the programs' sources: the texts in them, without comments and tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::fixture::binaries::workspace;

/// The crates that are shipped.
pub(super) const SHIPPED: [&str; 9] = [
    "spec",
    "api",
    "admission",
    "scheduler",
    "certs",
    "webhook",
    "device-bridge",
    "plugin",
    "cli",
];

/// A text of a source.
#[derive(Debug)]
pub(super) struct Text {
    /// The file, below the workspace.
    pub(super) file: String,
    /// What stands between the quotes.
    pub(super) text: String,
}

/// The sources of a crate: each with its path below the workspace, and its code without tests.
pub(super) fn of(krate: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&workspace().join(krate).join("src"), &mut files);
    let sources = files.into_iter().map(|file| {
        let text = fs::read_to_string(&file).expect("it can be read");
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let below = file.strip_prefix(workspace()).unwrap_or(&file);
        (below.display().to_string(), code.to_owned())
    });
    sources.collect()
}

/// Every text in the sources of these crates.
pub(super) fn texts(crates: &[&str]) -> Vec<Text> {
    let sources = crates.iter().flat_map(|krate| of(krate));
    let texts: Vec<Text> = sources
        .flat_map(|(file, code)| {
            let texts = quoted(&code).into_iter();
            texts.map(move |text| Text {
                file: file.clone(),
                text,
            })
        })
        .collect();
    assert!(texts.len() > 300, "sources have texts: {}", texts.len());
    texts
}

/// What is compiled into no program.
const OF_TESTS: [&str; 8] = [
    "tests",
    "test",
    "fixture",
    "vectors",
    "properties",
    "fake",
    "fake_api_server",
    "fake_sysfs",
];

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if OF_TESTS.contains(&stem.as_ref()) || stem.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

/// The texts of Rust code, as they are written; what is in comments is none.
fn quoted(code: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        let before = &rest[..at];
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with(['/', '\'']) {
            rest = after_character(rest);
        } else {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let raw = before[..before.len() - hashes].ends_with('r');
            let (text, after) = if raw {
                let end = format!("\"{}", "#".repeat(hashes));
                rest[1..].split_once(&end).unwrap_or((&rest[1..], ""))
            } else {
                plain(&rest[1..])
            };
            texts.push(text.to_owned());
            rest = after;
        }
    }
    texts
}

/// What follows a slash, a lifetime or a character.
fn after_character(rest: &str) -> &str {
    let mut characters = rest.chars();
    characters.next();
    if !rest.starts_with('\'') {
        return characters.as_str();
    }
    let after = characters.as_str();
    match after.strip_prefix('\\') {
        Some(escaped) => escaped
            .get(1..)
            .and_then(|rest| rest.split_once('\''))
            .map_or("", |(_, rest)| rest),
        None => {
            let mut characters = after.chars();
            characters.next();
            characters
                .as_str()
                .strip_prefix('\'')
                .unwrap_or(characters.as_str())
        }
    }
}

/// A text with escapes, and what follows it.
fn plain(rest: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (&rest[..at], &rest[at + 1..]),
            _ => {}
        }
    }
    (rest, "")
}

pub(super) fn texts_are_told_from_comments() {
    let code = r##"
        /// "no text"
        const A: &str = "one"; // nor "this"
        let b = '"'; let c = '\''; fn f<'a>(x: &'a str) -> u8 { 4 / 2 }
        let d = "with \"quotes\" // and slashes"; let e = r#"raw "text""#; let g = '/';
        let h = "last";
    "##;
    assert_eq!(
        quoted(code),
        [
            "one",
            r#"with \"quotes\" // and slashes"#,
            r#"raw "text""#,
            "last"
        ]
    );
}
