//! What a block shows beside what was printed.

use super::block::{Block, PROMPT};

/// In a line anything, and as a line any lines.
const ANYTHING: &str = "…";

/// The lines below the command that begins on this line of the block, from 1, up to the next one.
pub(super) fn below(block: &Block, line: usize) -> Vec<String> {
    let mut lines = block.lines[line - 1..].iter();
    // The command itself, which may go on.
    for line in lines.by_ref() {
        if !line.ends_with('\\') {
            break;
        }
    }
    let below = lines.take_while(|line| !line.starts_with(PROMPT));
    let below: Vec<String> = below.map(|line| line.trim_end().to_owned()).collect();
    let end = below.iter().rposition(|line| !line.is_empty());
    below[..end.map_or(0, |end| end + 1)].to_vec()
}

/// What differs, with both, if something does.
pub(super) fn difference(shown: &[String], printed: &str) -> Option<String> {
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let end = printed.iter().rposition(|line| !line.is_empty());
    let printed = &printed[..end.map_or(0, |end| end + 1)];
    let told: Vec<String> = printed.iter().map(|line| plain(line)).collect();
    let wanted: Vec<String> = shown.iter().map(|line| plain(line)).collect();
    if fit(&wanted, &told) {
        return None;
    }
    Some(format!(
        "the book shows\n{}\nand it prints\n{}\n",
        shown.join("\n"),
        printed.join("\n")
    ))
}

/// Without what every run has of its own: how long something took, and ports that the kernel gives.
fn plain(line: &str) -> String {
    const UNITS: [&str; 7] = ["ms", "µs", "ns", "s", "m", "h", "d"];
    let words = line.split(' ').map(|word| {
        let core = word.trim_matches(|c: char| "(),.;:".contains(c));
        let is_time = UNITS.iter().any(|unit| {
            core.strip_suffix(unit)
                .is_some_and(|number| number.parse::<f64>().is_ok())
        });
        if is_time {
            return word.replace(core, "TIME");
        }
        match word.split_once("127.0.0.1:") {
            Some((before, after)) => {
                let port = after.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{before}127.0.0.1:PORT{port}")
            }
            None => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether lines are as they are shown.
fn fit(shown: &[String], printed: &[String]) -> bool {
    match (shown, printed) {
        ([], []) => true,
        ([first, rest @ ..], printed) if first.trim() == ANYTHING => {
            (0..=printed.len()).any(|skipped| fit(rest, &printed[skipped..]))
        }
        ([first, shown @ ..], [line, printed @ ..]) => fits(first, line) && fit(shown, printed),
        _ => false,
    }
}

/// Whether a line is as it is shown.
fn fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split(ANYTHING);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut is_open = false;
    for part in parts {
        is_open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || is_open
}

pub(super) fn lines_are_compared() {
    for (shown, printed, wanted) in [
        ("a\nb", "a\nb\n\n", true),
        ("a\nb", "a\nc", false),
        ("a", "a\nb", false),
        ("a\n…", "a\nb\nc", true),
        ("…\nc", "a\nb\nc", true),
        ("…\nd", "a\nb\nc", false),
        ("a … c", "a b b c", true),
        ("a …", "a b", true),
        ("a … c", "a b d", false),
        ("took 3ms", "took 14ms", true),
        ("took 3ms", "took 14 goes", false),
        ("at http://127.0.0.1:1/x", "at http://127.0.0.1:345/x", true),
        (
            "at http://127.0.0.1:1/x",
            "at http://127.0.0.1:345/y",
            false,
        ),
    ] {
        let lines: Vec<String> = shown.lines().map(str::to_owned).collect();
        let found = difference(&lines, printed).is_none();
        assert_eq!(found, wanted, "{shown:?} and {printed:?}");
    }
}
