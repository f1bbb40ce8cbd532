//! What becomes of a pod or network that breaks a rule.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spec::network::Namespace;

use super::Namespaces;
use crate::{Labels, Rule};

/// How seriously a rule is taken.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// The object is denied.
    #[default]
    Enforce,
    /// The object is let in, with a warning to whoever sent it.
    Warn,
    /// The object is let in; metrics and the audit log tell of it.
    Monitor,
}

/// A relaxation: these rules, in these namespaces, are taken in this mode.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Relaxation {
    /// The rules; all where none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rules: BTreeSet<Rule>,
    /// The namespaces of the objects.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// How seriously they are taken there.
    pub mode: Mode,
}

/// All relaxations, in the administrator's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Modes(pub Vec<Relaxation>);

impl Modes {
    /// The mode of `rule` in `namespace`, which has `labels`: that of the first relaxation that fits, else enforced.
    #[must_use]
    pub fn of<'l>(
        &self,
        rule: Rule,
        namespace: &Namespace,
        labels: &impl Fn() -> &'l Labels,
    ) -> Mode {
        let fits = |relaxation: &&Relaxation| {
            (relaxation.rules.is_empty() || relaxation.rules.contains(&rule))
                && relaxation.namespaces.contain(namespace, labels)
        };
        self.0
            .iter()
            .find(fits)
            .map_or(Mode::Enforce, |relaxation| relaxation.mode)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_that_fits_decides() {
        let modes: Modes = serde_json::from_value(json!([
            {"rules": ["namespace-isolation"], "namespaces": {"names": ["lab"]}, "mode": "monitor"},
            {"rules": ["namespace-isolation"], "namespaces": {"selector": {"matchLabels": {"stage": "test"}}}, "mode": "warn"},
            {"namespaces": {"names": ["lab"]}, "mode": "warn"},
        ]))
        .unwrap();
        let mode = |rule, namespace: &str, labels: &[(&str, &str)]| {
            let labels = labels
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            let labels: Labels = labels.collect();
            modes.of(rule, &namespace.parse().unwrap(), &|| &labels)
        };
        let test = [("stage", "test")];
        assert_eq!(mode(Rule::NamespaceIsolation, "lab", &test), Mode::Monitor);
        assert_eq!(mode(Rule::NamespaceIsolation, "a", &test), Mode::Warn);
        assert_eq!(mode(Rule::NamespaceIsolation, "a", &[]), Mode::Enforce);
        assert_eq!(mode(Rule::DeviceDeficit, "lab", &[]), Mode::Warn);
        assert_eq!(mode(Rule::DeviceDeficit, "a", &test), Mode::Enforce);
    }

    #[test]
    fn bad_relaxations_are_refused() {
        for bad in [
            json!([{"rules": ["no-such-rule"], "mode": "warn"}]),
            json!([{"rules": [], "mode": "ignore"}]),
            json!([{"mode": "warn", "namespace": "a"}]),
            json!([{"mode": "warn", "namespaces": {"selector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}}]),
        ] {
            assert!(
                serde_json::from_value::<Modes>(bad.clone()).is_err(),
                "{bad}"
            );
        }
    }
}
