//! Whether the clocks agree: the API server's, this machine's, and those of the nodes.

use std::time::{Duration, SystemTime};

use super::{
    agent::Agent,
    finding::{Finding, Issue},
    several::{counted, named},
};

pub(super) const CHECK: &str = "clock";

/// Clocks that are kept by NTP differ by less, and an answer takes less.
const TOLERATED: Duration = Duration::from_secs(5);

/// By so much certificates and tokens begin to be refused, and silence is taken for life.
const HARMFUL: Duration = Duration::from_secs(60);

/// The API server's clock, read once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// When it was asked, by this machine's clock.
    pub(super) asked: SystemTime,
    /// When its answer was there, by this machine's clock.
    pub(super) answered: SystemTime,
    /// What it said (the header Date), in whole seconds.
    pub(super) said: SystemTime,
}

impl Reading {
    /// What the API server's clock says, as far as whole seconds tell, when this machine's is at `here`.
    pub(super) fn at(&self, here: SystemTime) -> SystemTime {
        let said = self.said + Duration::from_millis(500);
        match here.duration_since(self.answered) {
            Ok(later) => said + later,
            Err(earlier) => said
                .checked_sub(earlier.duration())
                .unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

/// Judges them. Where the API server's clock is not known, `reading` is why. `reported` is this machine's clock when the reports of
/// the agents came.
pub(super) fn judged(
    reading: Result<Reading, &str>,
    agents: &[Agent],
    reported: SystemTime,
) -> Finding {
    let reading = match reading {
        Ok(reading) => reading,
        Err(unread) => {
            let text = format!("the API server's clock is not known: {unread}");
            return Finding::of(
                CHECK,
                "",
                Vec::new(),
                vec![Issue::unknown(text, "ask a cluster that answers")],
            );
        }
    };
    // The latest that the API server's clock can have been then: it may have read it as soon as it was asked.
    let way = reading.answered.duration_since(reading.asked);
    let latest = reading.at(reported) + way.unwrap_or_default();
    let mut issues = Vec::new();
    let mut evidence = Vec::new();
    let (ahead, behind) = outside(reading);
    let words =
        |by: Duration| humantime::format_duration(Duration::from_secs(by.as_secs())).to_string();
    match ahead.max(behind) {
        by if by <= TOLERATED => {
            evidence.push("this machine's clock and the API server's agree".to_owned());
        }
        by => {
            let way = if ahead > behind { "ahead of" } else { "behind" };
            let text = format!(
                "this machine's clock is {} {way} the API server's",
                words(by)
            );
            issues.push(Issue::warn(
                text,
                "timedatectl status here, and on the control plane's nodes",
            ));
        }
    }
    let early: Vec<(&str, Duration)> = agents
        .iter()
        .filter_map(|agent| {
            let by = agent.observed_at?.duration_since(latest).ok()?;
            Some((agent.node.as_str(), by)).filter(|_| by > TOLERATED)
        })
        .collect();
    if let Some((_, most)) = early.iter().max_by_key(|(_, by)| *by) {
        let names: Vec<&str> = early.iter().map(|(name, _)| *name).collect();
        let text = format!(
            "reports are of the future, by {} at most: the clock is ahead on {}: {}",
            words(*most),
            counted(names.len(), "node"),
            named(&names)
        );
        let mend = "on the node: timedatectl status; chronyc tracking";
        issues.push(if *most > HARMFUL {
            Issue::fail(text, mend)
        } else {
            Issue::warn(text, mend)
        });
    }
    let with_time = agents
        .iter()
        .filter(|agent| agent.observed_at.is_some())
        .count();
    if with_time > 0 {
        evidence.push(format!(
            "reports of {} were compared with the API server's clock",
            counted(with_time, "node")
        ));
    }
    Finding::of(CHECK, "the clocks agree", evidence, issues)
}

/// By how much this machine's clock is surely ahead of the API server's, and behind.
fn outside(reading: Reading) -> (Duration, Duration) {
    let Reading {
        asked,
        answered,
        said,
    } = reading;
    let ahead = asked.duration_since(said + Duration::from_secs(1));
    let behind = said.duration_since(answered);
    (ahead.unwrap_or_default(), behind.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{agent::tests::agent, finding::Verdict},
        *,
    };
    use crate::output::instant;

    /// This machine's clock when the API server's answer was there.
    fn here() -> SystemTime {
        instant("2026-01-01T00:00:01.4Z").unwrap()
    }

    fn reading(said: &str) -> Reading {
        Reading {
            asked: here() - Duration::from_millis(900),
            answered: here(),
            said: instant(said).unwrap(),
        }
    }

    #[test]
    fn whole_seconds_and_the_way_are_allowed_for() {
        for (said, verdict, words) in [
            ("2026-01-01T00:00:00Z", Verdict::Ok, "agree"),
            ("2026-01-01T00:00:06Z", Verdict::Ok, "agree"),
            ("2025-12-31T23:59:55Z", Verdict::Ok, "agree"),
            ("2026-01-01T00:00:09Z", Verdict::Warn, "7s behind"),
            ("2025-12-31T23:58:00Z", Verdict::Warn, "1m 59s ahead of"),
        ] {
            let finding = judged(Ok(reading(said)), &[], here());
            assert_eq!(finding.verdict, verdict, "{said}: {finding:?}");
            assert!(finding.found.contains(words), "{finding:?}");
        }
        assert_eq!(
            judged(Err("no answer"), &[], here()).verdict,
            Verdict::Unknown
        );
    }

    #[test]
    fn a_report_of_the_future_is_a_clock_that_is_ahead() {
        let now = reading("2026-01-01T00:00:00Z");
        let at = |name: &str, text: &str| {
            let mut agent = agent(name, &[]);
            agent.observed_at = instant(text);
            agent
        };
        let past = at("a", "2025-12-31T00:00:00Z");
        assert_eq!(
            judged(Ok(now), std::slice::from_ref(&past), here()).verdict,
            Verdict::Ok
        );
        let soon = at("b", "2026-01-01T00:00:10Z");
        let finding = judged(Ok(now), &[past.clone(), soon.clone()], here());
        assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
        assert!(finding.found.ends_with("ahead on 1 node: b"), "{finding:?}");
        let far = at("c", "2026-01-01T01:00:00Z");
        let finding = judged(Ok(now), &[past, soon.clone(), far], here());
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        // Reports that came ten seconds after the clock was read may be as young as that.
        let late = here() + Duration::from_secs(10);
        let finding = judged(Ok(now), &[soon], late);
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    }

    #[test]
    fn between_two_readings_both_clocks_go_on() {
        let reading = reading("2026-01-01T00:05:00Z");
        let at = |seconds: i64| {
            let by = Duration::from_secs(seconds.unsigned_abs());
            let here = match seconds {
                0.. => here() + by,
                _ => here() - by,
            };
            reading.at(here)
        };
        let said = instant("2026-01-01T00:05:00.5Z").unwrap();
        assert_eq!(at(0), said);
        assert_eq!(at(90), said + Duration::from_secs(90));
        assert_eq!(at(-90), said - Duration::from_secs(90));
    }
}
