//! What the demo prints: headings, explanations, blocks, and checks with their count.
//!
//! Every claim of the demo goes through [`Transcript::check`], so that the exit code and the text cannot disagree.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use crate::output::wrap;

/// Lines are at most this long, so that they stay whole in a terminal of 100 columns.
pub(super) const WIDTH: usize = 100;

/// The printer of the demo.
pub(super) struct Transcript {
    out: Box<dyn Write>,
    colour: bool,
    headings: usize,
    passed: usize,
    failed: usize,
}

impl Transcript {
    /// Prints on standard output; in colour on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = io::stdout().is_terminal() && !refused;
        Self::new(Box::new(io::stdout()), colour)
    }

    fn new(out: Box<dyn Write>, colour: bool) -> Self {
        Self {
            out,
            colour,
            headings: 0,
            passed: 0,
            failed: 0,
        }
    }

    /// Begins a step: its title, and what happens in it in a newcomer's words.
    pub(super) fn heading(&mut self, title: &str, explanation: &str) {
        self.headings += 1;
        let title = self.paint("1", &format!("{}. {title}", self.headings));
        self.line("");
        self.line(&title);
        for line in wrap(explanation, WIDTH - 3) {
            self.line(&format!("   {line}"));
        }
    }

    /// A sentence between the checks.
    pub(super) fn say(&mut self, text: &str) {
        for line in wrap(text, WIDTH - 3) {
            self.line(&format!("   {line}"));
        }
    }

    /// Text that somebody else wrote or that is laid out already: indented, and folded where it is too long.
    pub(super) fn block<T: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = T>) {
        for line in lines {
            for (at, part) in wrap(line.as_ref(), WIDTH - 9).iter().enumerate() {
                let indent = if at == 0 { "     " } else { "         " };
                let painted = self.paint("36", part);
                self.line(&format!("{indent}{painted}"));
            }
        }
    }

    /// Checks that `found` reads as `expected` does.
    pub(super) fn check(&mut self, what: &str, expected: impl Display, found: impl Display) {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.check_that(what, expected == found, &expected, &found);
    }

    /// Checks something that is not an equality: `expected` says in words what is wanted.
    pub(super) fn check_that(&mut self, what: &str, holds: bool, expected: &str, found: &str) {
        if holds {
            self.passed += 1;
            self.marked("32", "✓", &format!("{what}: {found}"));
        } else {
            self.failed += 1;
            self.marked(
                "31",
                "✗",
                &format!("{what}: expected {expected}, found {found}"),
            );
        }
    }

    /// A step that could not be carried out: a check that failed, whatever it would have found.
    pub(super) fn failure(&mut self, error: &anyhow::Error) {
        self.failed += 1;
        self.marked("31", "✗", &format!("{error:#}"));
    }

    /// The pod was refused, which is what a person who brings a wrong pod wants to see. No check of the demo.
    pub(super) fn refusal(&mut self, text: &str) {
        self.marked("31", "✗", text);
    }

    /// Whether every check was true so far.
    pub(super) const fn all_true(&self) -> bool {
        self.failed == 0
    }

    /// The last line: how many checks were true.
    pub(super) fn tally(&mut self) {
        let total = self.passed + self.failed;
        let (colour, text) = if self.all_true() {
            ("32", format!("✓ {total} checks, every one true"))
        } else {
            ("31", format!("✗ {} of {total} checks failed", self.failed))
        };
        let text = self.paint(colour, &text);
        self.line("");
        self.line(&text);
    }

    fn marked(&mut self, colour: &str, mark: &str, text: &str) {
        let mark = self.paint(colour, mark);
        for (at, line) in wrap(text, WIDTH - 5).iter().enumerate() {
            let indent = if at == 0 {
                format!("   {mark} ")
            } else {
                "     ".to_owned()
            };
            self.line(&format!("{indent}{line}"));
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn line(&mut self, text: &str) {
        // A reader that has gone away (`| head`) must not keep the demo from cleaning up.
        let _gone = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(colour: bool, play: impl FnOnce(&mut Transcript)) -> (String, bool) {
        let memory = Memory::default();
        let mut transcript = Transcript::new(Box::new(memory.clone()), colour);
        play(&mut transcript);
        transcript.tally();
        let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
        (text, transcript.all_true())
    }

    #[test]
    fn a_check_that_fails_says_what_was_expected_and_fails_the_demo() {
        let (text, all_true) = printed(false, |out| {
            out.heading("The node", "A namespace plays the node.");
            out.check("devices", 2, 2);
            out.check("devices", 2, 1);
        });
        assert!(text.contains("1. The node\n   A namespace plays the node.\n   ✓ devices: 2\n   ✗ devices: expected 2, found 1\n"));
        assert!(text.ends_with("✗ 1 of 2 checks failed\n"));
        assert!(!all_true);
    }

    #[test]
    fn no_line_is_too_long_and_colour_is_only_by_request() {
        let (text, _) = printed(false, |out| {
            out.check(&"word ".repeat(40), "a".repeat(150), "b");
            out.block(["{\"a\":1,".repeat(40)]);
        });
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(!text.contains('\u{1b}'));
        let (text, all_true) = printed(true, |out| out.check("x", 1, 1));
        assert!(text.contains("\u{1b}[32m✓\u{1b}[0m x: 1"));
        assert!(all_true);
    }
}
