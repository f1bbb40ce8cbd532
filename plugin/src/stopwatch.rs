//! How long the parts of a verb take.

use std::time::{Duration, Instant, SystemTime};

use spec::bridge::{AttachmentTimes, Stage, Times};

/// Runs from the beginning of a verb on.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    /// The one reading of a clock that may be set.
    began: SystemTime,
    begun: Instant,
    /// When the last stage ended.
    last: Instant,
    stages: Vec<Stage>,
}

impl Stopwatch {
    /// One that runs from now on.
    #[must_use]
    pub fn begin() -> Self {
        let begun = Instant::now();
        Self {
            began: SystemTime::now(),
            begun,
            last: begun,
            stages: Vec::new(),
        }
    }

    /// A stage ends that began where the one before it ended, and had these parts.
    pub fn ends(&mut self, stage: &str, parts: Vec<Stage>) {
        let now = Instant::now();
        self.stages.push(Stage {
            name: stage.to_owned(),
            after_us: micros(self.last.duration_since(self.begun)),
            took_us: micros(now.duration_since(self.last)),
            parts,
        });
        self.last = now;
    }

    /// What it has shown so far, with the times of attachments.
    #[must_use]
    pub fn times(self, made: impl Iterator<Item = (AttachmentTimes, Instant)>) -> Times {
        let since_1970 = self.began.duration_since(SystemTime::UNIX_EPOCH);
        let after = |began: Instant| micros(began.saturating_duration_since(self.begun));
        Times {
            began_us: micros(since_1970.unwrap_or_default()),
            took_us: after(Instant::now()),
            attachments: made
                .map(|(times, began)| AttachmentTimes {
                    after_us: after(began),
                    ..times
                })
                .collect(),
            stages: self.stages,
        }
    }
}

/// A duration in microseconds, rounded down, so that parts are together never longer than the whole.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_one_another_within_the_whole() {
        let mut watch = Stopwatch::begin();
        std::thread::sleep(Duration::from_millis(2));
        watch.ends("first", Vec::new());
        let attached = Instant::now();
        watch.ends("second", vec![Stage::default()]);
        let made = AttachmentTimes {
            network: "n".to_owned(),
            interface: "net1".parse().unwrap(),
            device: None,
            after_us: 0,
            took_us: 0,
            delegates: Vec::new(),
        };
        let times = watch.times([(made, attached)].into_iter());
        let [first, second] = times.stages.as_slice() else {
            panic!("{times:?}");
        };
        assert_eq!((first.after_us, second.parts.len()), (0, 1));
        assert!(first.took_us >= 2000, "{times:?}");
        assert!(second.after_us >= first.took_us, "{times:?}");
        assert!(times.attachments[0].after_us >= first.took_us, "{times:?}");
        assert!(first.took_us + second.took_us <= times.took_us, "{times:?}");
        assert!(times.began_us > 1_700_000_000_000_000, "{times:?}");
    }
}
