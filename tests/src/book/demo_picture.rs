//! The picture of the demo, made from a run of it.

use std::{fmt::Write as _, process::Command};

use super::page;
use crate::fixture::binaries;

/// With it the picture is written, and not compared.
const UPDATE: &str = "UPDATE_DOCS";

/// The lines that are shown, by how they begin, and the block below each: what a pod asks for, is given and gets. The
/// explanations between them are for whoever runs it.
const SHOWN: [&str; 16] = [
    "The pod default/samplepod asks",
    "The webhook allows it and answers",
    "✓ the validating webhook's verdict",
    "✓ its verdict on the pod as it was",
    "What the kubelet answers:",
    "polypod ADD answered",
    "✓ questions the kubelet got",
    "✓ interfaces in the pod",
    "Seen from inside the pod's network namespace",
    "The delegate sriov was told",
    "✓ 0000:03:02",
    "✓ different devices",
    "✓ elements of network-status",
    "✓ address leases: none",
    "✓ interfaces that were not on the node before",
    "✓ files in polypod's state folder",
];

/// The step from which on lines are shown: those before it make the node.
const FIRST_STEP: &str = "3. ";

/// The picture tells what a run of today tells; times, interface numbers and random addresses differ.
pub(super) fn is_of_a_run_of_today() {
    let file = page::folder().join("pictures/demo.svg");
    let made = picture(&told());
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &made).expect("the picture can be written");
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        lasting(&stored),
        lasting(&made),
        "{} is of another demo: {UPDATE}=1 cargo test --workspace --test tests -- book::the_picture_of_the_demo",
        file.display()
    );
}

/// What the demo prints, with stand-ins, so that it is the same wherever it runs.
fn told() -> String {
    let output = Command::new(binaries::path("kubectl-polypod"))
        .args(["demo", "--stand-ins"])
        .env_remove("CARGO")
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .expect("kubectl-polypod can be executed");
    let told = String::from_utf8(output.stdout).expect("the demo prints text");
    assert!(output.status.success(), "{told}");
    told
}

/// The lines that are shown.
fn shown(told: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = Vec::new();
    let mut in_block = false;
    let mut last = "";
    let from_there = told
        .lines()
        .skip_while(|line| !line.starts_with(FIRST_STEP));
    for line in from_there.filter(|line| !line.is_empty()) {
        last = line;
        if !line.starts_with(' ') {
            lines.push(line);
            in_block = false;
        } else if line.starts_with("     ") {
            if in_block {
                lines.push(line);
            }
        } else {
            let words = line.trim_start();
            // An explanation of several lines ends where its block begins.
            in_block = SHOWN.iter().any(|shown| words.starts_with(shown))
                || (in_block && !words.starts_with('✓') && words.starts_with(char::is_lowercase));
            if in_block {
                lines.push(line);
            }
        }
    }
    assert!(
        last.starts_with('✓'),
        "the demo ends with its account: {last}"
    );
    lines
}

const WIDTH: usize = 860;
const LINE: usize = 19;
const TOP: usize = 78;

fn picture(told: &str) -> String {
    let lines = shown(told);
    let steps = lines.iter().filter(|line| is_step(line)).count();
    let height = TOP + lines.len() * LINE + steps * LINE / 2 + 14;
    let mut picture = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title desc">
  <!-- Made by the scenario book::the_picture_of_the_demo with UPDATE_DOCS=1, which compares without it. -->
  <title id="title">A run of the demo</title>
  <desc id="desc">A terminal with lines of a run of the demo: a pod is admitted, devices are allocated, its networks are attached and taken away again, and every check is true.</desc>
  <style>
    text {{ font: 13px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre; }}
    .step {{ font-weight: bold; fill: #ffffff; }}
    .true {{ fill: #7ee787; }}
    .block {{ fill: #79c0ff; }}
    .typed {{ fill: #ffffff; }}
  </style>
  <rect width="{WIDTH}" height="{height}" rx="10" fill="#0d1117"/>
  <circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
  <text class="typed" x="18" y="58" xml:space="preserve">$ cargo run --release -- demo</text>
"##
    );
    let mut y = TOP;
    for line in lines {
        let kind = if is_step(line) {
            y += LINE / 2;
            "step"
        } else if line.trim_start().starts_with('✓') {
            "true"
        } else if line.starts_with("     ") {
            "block"
        } else {
            "said"
        };
        y += LINE;
        let line = line.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(
            picture,
            r#"  <text class="{kind}" x="18" y="{}" xml:space="preserve">{line}</text>"#,
            y - 6
        )
        .expect("memory can be written");
    }
    picture.push_str("</svg>\n");
    picture
}

fn is_step(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_digit())
}

/// The picture without what is another one in every run.
fn lasting(picture: &str) -> String {
    let masked = mask(picture, "fe80::", |character| {
        character.is_ascii_hexdigit() || character == ':'
    });
    let masked = mask(&masked, "@if", |character| character.is_ascii_digit());
    let masked = mask(&masked, "within ", |character| character.is_ascii_digit());
    // Columns are as wide as what differs.
    let words: Vec<&str> = masked.split_whitespace().collect();
    words.join(" ")
}

/// The text without the characters of a kind that follow a word.
fn mask(text: &str, word: &str, differs: impl Fn(char) -> bool) -> String {
    let mut parts = text.split(word);
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        masked.push_str(word);
        masked.push_str(part.trim_start_matches(&differs));
    }
    masked
}
