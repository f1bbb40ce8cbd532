//! In which namespaces a rule has a mode, as a condition about `namespaceObject`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::cel::{self, Cel};
use crate::{Mode, Policy, Rule, policy::Namespaces};

/// Where `rule` has `mode`: the first relaxation that fits decides, and without one it is enforced.
pub(super) fn has(policy: &Policy, rule: Rule, mode: Mode) -> Cel {
    let of = |found: Mode| {
        if found == mode {
            Cel::Always
        } else {
            Cel::Never
        }
    };
    let about = policy.modes.0.iter().rev();
    about
        .filter(|relaxation| relaxation.rules.is_empty() || relaxation.rules.contains(&rule))
        .fold(of(Mode::Enforce), |otherwise, relaxation| {
            let fits = within(&relaxation.namespaces);
            if relaxation.mode == mode {
                fits.or(otherwise)
            } else {
                fits.not().and(otherwise)
            }
        })
}

/// Whether the object's namespace is one of `namespaces`.
pub(super) fn within(namespaces: &Namespaces) -> Cel {
    if namespaces.names.is_empty() && namespaces.selector.is_none() {
        return Cel::Always;
    }
    let by_name = if namespaces.names.is_empty() {
        Cel::Never
    } else {
        Cel::when(format!(
            "request.namespace in {}",
            cel::list(&namespaces.names)
        ))
    };
    let by_label = namespaces.selector.clone().map(LabelSelector::from);
    by_name.or(by_label.map_or(Cel::Never, |written| selects(&written)))
}

/// The variable that has the labels of the object's namespace.
pub(super) const LABELS: &str = "namespaceLabels";

/// The expression of [`LABELS`].
pub(super) const LABELS_EXPRESSION: &str =
    "has(namespaceObject.metadata.labels) ? namespaceObject.metadata.labels : {}";

fn selects(selector: &LabelSelector) -> Cel {
    let labels = format!("variables.{LABELS}");
    let has = |key: &str| Cel::when(format!("{} in {labels}", cel::text(key)));
    let is =
        |key: &str, values: String| Cel::when(format!("{labels}[{}] in {values}", cel::text(key)));
    let mut all = Cel::Always;
    for (key, value) in selector.match_labels.iter().flatten() {
        all = all.and(has(key).and(is(key, cel::list([value]))));
    }
    for expression in selector.match_expressions.iter().flatten() {
        let key = &expression.key;
        let values = cel::list(expression.values.iter().flatten());
        all = all.and(match expression.operator.as_str() {
            "In" => has(key).and(is(key, values)),
            // What has no such label is not in the list either, as for Kubernetes.
            "NotIn" => has(key).not().or(is(key, values).not()),
            "Exists" => has(key),
            "DoesNotExist" => has(key).not(),
            // A selector with another operator cannot be made.
            _ => Cel::Never,
        });
    }
    all
}
