//! Namespace isolation: which namespaces a pod's annotations may refer to. Admission and the node ask here.

use super::Namespace;

/// Whether a pod of the namespace `pod` may, under namespace isolation, select a network of `network`: its own namespace,
/// and those that are `global`. Multus's `namespaceIsolation` and `globalNamespaces`.
///
/// It is asked of every network that the pod's annotations select, the default network's included; the namespace that an
/// annotation does not write counts as well, so that a default network of the system namespace is refused where that is not
/// global. Networks that the plugin's configuration names are the administrator's business.
pub fn is_within_reach<'a>(
    pod: &Namespace,
    network: &Namespace,
    global: impl IntoIterator<Item = &'a Namespace>,
) -> bool {
    pod == network || global.into_iter().any(|global| global == network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_namespace_and_the_global_ones() {
        let of = |text: &str| -> Namespace { text.parse().unwrap() };
        let global = [of("default"), of("shared")];
        for (pod, network, wanted) in [
            ("a", "a", true),
            ("a", "default", true),
            ("a", "shared", true),
            ("a", "b", false),
            ("default", "a", false),
            ("a", "kube-system", false),
        ] {
            assert_eq!(
                is_within_reach(&of(pod), &of(network), &global),
                wanted,
                "{pod} {network}"
            );
        }
        assert!(is_within_reach(&of("a"), &of("a"), []));
        assert!(!is_within_reach(&of("a"), &of("default"), []));
    }
}
