//! Sets of CPUs as the kernel writes them: `0-3,8`.

use std::{collections::BTreeSet, fmt::Write as _};

/// CPUs.
pub type Cpus = BTreeSet<u32>;

/// More CPUs than any kernel is built for; a wrong text must not fill the memory.
const MOST: u32 = 1 << 16;

/// Reads a list. `None` where it is none; an empty text is no CPUs.
#[must_use]
pub fn parse(text: &str) -> Option<Cpus> {
    let mut cpus = Cpus::new();
    let mut listed = 0;
    for part in text.trim().split(',').filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if last < first || last >= MOST {
            return None;
        }
        // A text that names the same CPUs again and again must not take for ever either.
        listed += last - first + 1;
        if listed > MOST {
            return None;
        }
        cpus.extend(first..=last);
    }
    Some(cpus)
}

/// Writes a list.
#[must_use]
pub fn print(cpus: &Cpus) -> String {
    let mut text = String::new();
    let mut rest = cpus.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if_eq(&(last.saturating_add(1))) {
            last = next;
        }
        let comma = if text.is_empty() { "" } else { "," };
        // Writing into a text fails never.
        let _written = if first == last {
            write!(text, "{comma}{first}")
        } else {
            write!(text, "{comma}{first}-{last}")
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists() {
        assert_eq!(parse("0-3,8\n"), Some([0, 1, 2, 3, 8].into()));
        assert_eq!(parse(""), Some([].into()));
        for wrong in ["a", "3-1", "1-", "-", "0-99999999", "1;2", "0-65535,0"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(print(&[9, 0, 1, 2, 7, 8].into()), "0-2,7-9");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(cpus in prop::collection::btree_set(0_u32..300, 0..60)) {
            prop_assert_eq!(parse(&print(&cpus)), Some(cpus));
        }
    }
}
