//! Times as people read them: how long ago.

use std::time::{Duration, SystemTime};

/// The moment that an RFC 3339 text names.
pub(crate) fn instant(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

/// How long ago that was, in the two largest units that tell something, as kubectl writes ages; a moment in the future was
/// just now: clocks differ.
pub(crate) fn age(moment: SystemTime, now: SystemTime) -> String {
    let ago = now.duration_since(moment).unwrap_or(Duration::ZERO);
    let seconds = ago.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |large: u64, unit: &str, small: u64, smaller: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{smaller}"),
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, "d", hours % 24, "h"),
        _ if days < 730 => format!("{days}d"),
        _ => two(days / 365, "y", days % 365, "d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_as_kubectl_writes_them() {
        let then = instant("2026-01-01T00:00:00Z").unwrap();
        for (seconds, wanted) in [
            (0, "0s"),
            (119, "119s"),
            (125, "2m5s"),
            (180, "3m"),
            (601, "10m"),
            (10_860, "3h1m"),
            (90_000, "25h"),
            (172_800, "2d"),
            (176_400, "2d1h"),
            (800_000, "9d"),
            (70_000_000, "2y80d"),
        ] {
            assert_eq!(age(then, then + Duration::from_secs(seconds)), wanted);
        }
        assert_eq!(age(then + Duration::from_secs(9), then), "0s");
        assert_eq!(instant("yesterday"), None);
    }
}
