//! The key that a person may have meant.

/// The known key that is a slip of the keyboard away from `written`, or begins with it, or the other way round.
pub(super) fn nearest(
    written: &str,
    known: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let written = written.to_ascii_lowercase();
    // As many slips as one makes in a word of this length; the bound on the lengths keeps long keys cheap.
    let limit = (written.len() / 3).clamp(1, 3);
    let distance = |key: &&'static str| {
        let key = key.to_ascii_lowercase();
        let shorter = key.len().min(written.len());
        let begins = shorter >= 3 && (key.starts_with(&written) || written.starts_with(&key));
        if written.len().abs_diff(key.len()) <= limit {
            let distance = strsim::osa_distance(&key, &written);
            if distance <= limit {
                return Some(distance);
            }
        }
        begins.then_some(limit + 1)
    };
    known
        .filter_map(|key| distance(&key).map(|distance| (distance, key)))
        .min()
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_beginnings() {
        let known = ["master", "mode", "mtu", "vlanId", "linkInContainer"];
        let nearest = |written: &str| nearest(written, known.into_iter());
        assert_eq!(nearest("mastr"), Some("master"));
        assert_eq!(nearest("vlan"), Some("vlanId"));
        assert_eq!(nearest("Vlan_Id"), Some("vlanId"));
        assert_eq!(nearest("mtuu"), Some("mtu"));
        assert_eq!(nearest("resourceName"), None);
        assert_eq!(nearest(""), None);
        assert_eq!(nearest(&"x".repeat(100_000)), None);
    }
}
