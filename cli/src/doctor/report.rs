//! What all checks came to: the exit code, and the text.

use serde::Serialize;

use super::{
    clock,
    finding::{Finding, Verdict},
};
use crate::output::{Screen, Tone};

/// The version of the JSON's structure.
pub(super) const VERSION: u8 = 1;

/// Verdict and check stand in so many columns, and what was found behind them.
const INDENT: usize = 8 + 15;

/// Below this width lines are not wrapped any more: the terminal does it.
const NARROWEST: usize = INDENT + 20;

/// So many lines of evidence, and of what mends, are shown below a check on a terminal.
const MOST: usize = 10;

/// What all checks came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The version of this structure.
    pub(super) version: u8,
    /// The version of the API server; empty where it keeps that to itself.
    pub(super) server: String,
    /// The namespace that was looked in.
    pub(super) installed_in: String,
    /// What each check came to.
    pub(super) checks: Vec<Finding>,
}

impl Report {
    fn has(&self, verdict: Verdict) -> bool {
        self.checks.iter().any(|finding| finding.verdict == verdict)
    }

    /// 0 where no check failed, 1 where one did, 2 where nothing of the installation could be seen. Strictly, warnings and
    /// what could not be seen are failures.
    pub(super) fn exit_code(&self, is_strict: bool) -> u8 {
        // Every answer has a Date, also one that refuses.
        let mut of_it = self
            .checks
            .iter()
            .filter(|finding| finding.check != clock::CHECK);
        if of_it.all(|finding| finding.verdict == Verdict::Unknown) {
            return 2;
        }
        let is_doubtful = self.has(Verdict::Warn) || self.has(Verdict::Unknown);
        u8::from(self.has(Verdict::Fail) || (is_strict && is_doubtful))
    }

    /// For people: a check is a line, and where it is not well, what it goes by and what mends it stand below.
    pub(super) fn text(&self, screen: &Screen) -> String {
        let mut text = format!("{:8}{:15}FOUND\n", "RESULT", "CHECK");
        for finding in &self.checks {
            let Finding {
                check,
                verdict,
                found,
                evidence,
                mend,
            } = finding;
            let word = tone(*verdict).paint(&format!("{:8}", verdict.word()), screen);
            text.push_str(&format!("{word}{check:15}"));
            text.push_str(&wrapped(found, "", Tone::Plain, screen));
            if *verdict == Verdict::Ok && screen.width.is_some() {
                continue;
            }
            text.push_str(&below(evidence, "- ", Tone::Faint, screen));
            text.push_str(&below(mend, "> ", Tone::Plain, screen));
        }
        text + &self.sum()
    }

    /// The last line.
    fn sum(&self) -> String {
        let count = |verdict| {
            self.checks
                .iter()
                .filter(|finding| finding.verdict == verdict)
                .count()
        };
        let words = [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Unknown]
            .map(|verdict| format!("{} {}", count(verdict), verdict.word()));
        let server = match self.server.as_str() {
            "" => String::new(),
            version => format!("; Kubernetes {}", version.replace(char::is_control, " ")),
        };
        format!("\n{}{server}\n", words.join(", "))
    }
}

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Warn => Tone::Warning,
        Verdict::Fail => Tone::Bad,
        Verdict::Unknown => Tone::Faint,
    }
}

/// Texts below a check; on a terminal only the first of many.
fn below(texts: &[String], mark: &str, tone: Tone, screen: &Screen) -> String {
    let shown = match screen.width {
        Some(_) if texts.len() > MOST => MOST - 1,
        _ => texts.len(),
    };
    let more = texts.len() - shown;
    let more = (more > 0).then(|| format!("and {more} more, which -o wide has"));
    let lines = texts[..shown].iter().chain(&more);
    lines
        .map(|text| " ".repeat(INDENT) + &wrapped(text, mark, tone, screen))
        .collect()
}

/// A text behind a mark, over as many lines as it takes behind the indent. What others wrote cannot steer the terminal.
fn wrapped(text: &str, mark: &str, tone: Tone, screen: &Screen) -> String {
    let text = text.replace(char::is_control, " ");
    let room = screen
        .width
        .filter(|width| *width >= NARROWEST)
        .map(|width| width - INDENT - mark.len());
    let mut lines: Vec<String> = vec![String::new()];
    let mut length = 0;
    for word in text.split_whitespace() {
        let long = word.chars().count();
        if length > 0 && room.is_some_and(|room| length + 1 + long > room) {
            lines.push(String::new());
            length = 0;
        }
        if let Some(line) = lines.last_mut() {
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += long;
        }
    }
    let next = format!("\n{}", " ".repeat(INDENT + mark.len()));
    let lines: Vec<String> = lines.iter().map(|line| tone.paint(line, screen)).collect();
    format!("{mark}{}\n", lines.join(&next))
}

#[cfg(test)]
mod tests {
    use super::{super::finding::Issue, *};

    fn finding(check: &'static str, issues: Vec<Issue>) -> Finding {
        Finding::of(check, "all is well", vec!["seen so".to_owned()], issues)
    }

    fn report(checks: Vec<Finding>) -> Report {
        Report {
            version: VERSION,
            server: "v1.36.0".to_owned(),
            installed_in: "polypod-system".to_owned(),
            checks,
        }
    }

    fn each() -> Report {
        report(vec![
            finding("crds", vec![]),
            finding(
                "webhook",
                vec![Issue::fail(
                    "the API server cannot call the webhook, because it said \u{1b}[31mno\nand no again",
                    "kubectl get pods",
                )],
            ),
            finding("bridges", vec![Issue::warn("one is late", "")]),
            finding("leftovers", vec![Issue::unknown("you may not", "ask")]),
        ])
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        let ok = || finding("crds", vec![]);
        let warn = || finding("bridges", vec![Issue::warn("w", "")]);
        let unknown = || finding("kubelets", vec![Issue::unknown("u", "")]);
        let fail = || finding("webhook", vec![Issue::fail("f", "")]);
        let clock = || finding(clock::CHECK, vec![]);
        for (checks, lax, strict) in [
            (vec![ok(), clock()], 0, 0),
            (vec![ok(), warn()], 0, 1),
            (vec![ok(), unknown()], 0, 1),
            (vec![ok(), warn(), fail()], 1, 1),
            (vec![unknown(), fail()], 1, 1),
            (vec![unknown(), unknown(), clock()], 2, 2),
        ] {
            let report = report(checks);
            assert_eq!(
                (report.exit_code(false), report.exit_code(true)),
                (lax, strict),
                "{report:?}"
            );
        }
    }

    #[test]
    fn a_terminal_of_80_columns_is_enough() {
        let screen = Screen {
            width: Some(80),
            is_coloured: false,
        };
        let text = each().text(&screen);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        insta::assert_snapshot!(text, @r"
        RESULT  CHECK          FOUND
        ok      crds           all is well
        fail    webhook        the API server cannot call the webhook, because it said
                               [31mno and no again
                               - seen so
                               > kubectl get pods
        warn    bridges        one is late
                               - seen so
        unknown leftovers      you may not
                               - seen so
                               > ask

        1 ok, 1 warn, 1 fail, 1 unknown; Kubernetes v1.36.0
        ");
        let coloured = each().text(&Screen {
            width: Some(80),
            is_coloured: true,
        });
        assert!(
            coloured.contains("\u{1b}[31mfail    \u{1b}[0m"),
            "{coloured}"
        );
        assert!(!coloured.contains("\u{1b}[31mno"), "{coloured}");
    }

    #[test]
    fn what_is_piped_has_everything_on_lines_of_its_own() {
        let text = each().text(&Screen::default());
        assert!(
            text.contains("\n                       - seen so\n"),
            "{text}"
        );
        assert!(
            text.contains("\n                       > kubectl get pods\n"),
            "{text}"
        );
        let tiny = each().text(&Screen {
            width: Some(20),
            is_coloured: false,
        });
        assert!(
            tiny.contains("the API server cannot call the webhook, because"),
            "{tiny}"
        );
    }

    #[test]
    fn every_width_holds_every_word() {
        let issue = |at: usize| {
            let text = format!("the agent of node-{at} says what no other says of its own");
            Issue::warn(text, format!("kubectl get node node-{at}"))
        };
        let mut checks = each().checks;
        checks.push(finding("configuration", (0..1000).map(issue).collect()));
        let report = report(checks);
        let words = |text: &str| {
            let words = text.split_whitespace().map(str::to_owned);
            words.collect::<Vec<String>>()
        };
        let on = |width: usize| {
            report.text(&Screen {
                width: Some(width),
                is_coloured: false,
            })
        };
        for (width, most) in [(60, 130), (80, 90), (120, 70), (200, 60)] {
            let text = on(width);
            assert_eq!(words(&text), words(&on(1000)), "{width}");
            assert!(text.lines().all(|line| line.chars().count() <= width));
            assert!(text.lines().count() <= most, "{width}: {text}");
            assert!(text.contains("- and 991 more, which -o wide"), "{text}");
        }
        let all = report.text(&Screen::default());
        assert!(all.contains("> kubectl get node node-999\n"), "{all}");
    }
}
