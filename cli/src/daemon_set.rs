//! What the agents' DaemonSet says of where agents are meant to be.

use serde_json::Value;

/// Whether its first container executes `install`: then it installs the plugin of a thin installation, and nobody reports.
pub(crate) fn installs_alone(daemon_set: &Value) -> bool {
    let container = daemon_set.pointer("/spec/template/spec/containers/0");
    container.is_some_and(|container| {
        ["command", "args"].iter().any(|part| {
            let words = container[part].as_array();
            words.is_some_and(|words| words.iter().any(|word| word == "install"))
        })
    })
}

/// How many of so many nodes it has no pod for: affinity and taints keep it from nodes as labels do. None while its
/// controller has not counted since the last change, or where `daemon_set` is not seen.
pub(crate) fn spared(daemon_set: Option<&Value>, nodes: usize) -> usize {
    let number = |path: &str| daemon_set?.pointer(path)?.as_u64();
    let is_counted = number("/status/observedGeneration") >= number("/metadata/generation");
    let desired = number("/status/desiredNumberScheduled").filter(|_| is_counted);
    desired.map_or(0, |desired| {
        nodes.saturating_sub(usize::try_from(desired).unwrap_or(usize::MAX))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn thin_ones_install_alone() {
        for (container, expected) in [
            (json!({"args": ["install", "--conf-keys", "x"]}), true),
            (json!({"command": ["/polypod", "install"]}), true),
            (json!({"args": ["serve", "--install"]}), false),
            (json!({}), false),
        ] {
            let set = json!({"spec": {"template": {"spec": {"containers": [container]}}}});
            assert_eq!(installs_alone(&set), expected, "{set}");
        }
        assert!(!installs_alone(&json!({})));
    }

    #[test]
    fn nodes_are_spared_by_what_was_counted_last() {
        let counted = |generation, observed, desired| {
            json!({
                "metadata": {"generation": generation},
                "status": {"observedGeneration": observed, "desiredNumberScheduled": desired},
            })
        };
        for (set, expected) in [
            (counted(1, 1, 3), 2),
            (counted(1, 1, 5), 0),
            (counted(1, 1, 7), 0),
            // The number is that of the DaemonSet before it was changed.
            (counted(2, 1, 3), 0),
            (json!({}), 0),
        ] {
            assert_eq!(spared(Some(&set), 5), expected, "{set}");
        }
        assert_eq!(spared(None, 5), 0);
    }
}
