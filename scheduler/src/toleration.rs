//! Which taints of a node keep a pod away, as kube-scheduler decides it.
//!
//! Source: `k8s.io/api/core/v1` `Toleration.ToleratesTaint`, `k8s.io/component-helpers/scheduling/corev1`.

use serde::Deserialize;

use crate::affinity::null_is_default;

/// The taint that stands for `spec.unschedulable` of a node.
pub(crate) const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// A taint of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Taint {
    /// Its key.
    #[serde(default, deserialize_with = "null_is_default")]
    pub key: String,
    /// Its value.
    #[serde(default, deserialize_with = "null_is_default")]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    #[serde(default, deserialize_with = "null_is_default")]
    pub effect: String,
}

/// A toleration of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Toleration {
    /// The key it is about; all where it is empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub key: String,
    /// `Equal`, also where it is empty, or `Exists`. `Gt` and `Lt`, an alpha feature that is off unless it is switched on,
    /// tolerate nothing here.
    #[serde(default, deserialize_with = "null_is_default")]
    pub operator: String,
    /// The value it is about.
    #[serde(default, deserialize_with = "null_is_default")]
    pub value: String,
    /// The effect it is about; all where it is empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub effect: String,
}

impl Taint {
    /// Whether it keeps pods away that do not tolerate it; `PreferNoSchedule` only would rather.
    #[must_use]
    pub fn keeps_away(&self) -> bool {
        matches!(self.effect.as_str(), "NoSchedule" | "NoExecute")
    }
}

impl Toleration {
    /// Whether it tolerates the taint.
    #[must_use]
    pub fn tolerates(&self, taint: &Taint) -> bool {
        (self.effect.is_empty() || self.effect == taint.effect)
            && (self.key.is_empty() || self.key == taint.key)
            && match self.operator.as_str() {
                "" | "Equal" => self.value == taint.value,
                "Exists" => true,
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taint(text: &str) -> Taint {
        let (rest, effect) = text.split_once(':').unwrap();
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        Taint {
            key: key.to_owned(),
            value: value.to_owned(),
            effect: effect.to_owned(),
        }
    }

    #[test]
    fn table() {
        for (toleration, tainted, wanted) in [
            (("a", "Equal", "x", "NoSchedule"), "a=x:NoSchedule", true),
            (("a", "", "x", "NoSchedule"), "a=x:NoSchedule", true),
            (("a", "Equal", "y", "NoSchedule"), "a=x:NoSchedule", false),
            (("b", "Equal", "x", "NoSchedule"), "a=x:NoSchedule", false),
            (("a", "Equal", "x", "NoExecute"), "a=x:NoSchedule", false),
            (("a", "Equal", "x", ""), "a=x:NoExecute", true),
            (("a", "Exists", "", "NoSchedule"), "a=x:NoSchedule", true),
            (("a", "Exists", "", "NoExecute"), "a=x:NoSchedule", false),
            (("", "Exists", "", ""), "a=x:NoSchedule", true),
            (("", "Exists", "", "NoSchedule"), "a=x:NoExecute", false),
            (("", "Equal", "x", ""), "a=x:NoSchedule", true),
            (("", "", "", ""), "a:NoSchedule", true),
            (("", "", "", ""), "a=x:NoSchedule", false),
            (("a", "Equal", "", ""), "a:NoSchedule", true),
            (("a", "Gt", "1", ""), "a=5:NoSchedule", false),
            (("a", "Near", "", ""), "a=x:NoSchedule", false),
        ] {
            let (key, operator, value, effect) = toleration;
            let [key, operator, value, effect] = [key, operator, value, effect].map(str::to_owned);
            let of = Toleration {
                key,
                operator,
                value,
                effect,
            };
            assert_eq!(
                of.tolerates(&taint(tainted)),
                wanted,
                "{toleration:?} {tainted}"
            );
        }
    }

    #[test]
    fn effects() {
        for (effect, wanted) in [
            ("NoSchedule", true),
            ("NoExecute", true),
            ("PreferNoSchedule", false),
            ("", false),
        ] {
            assert_eq!(
                taint(&format!("a:{effect}")).keeps_away(),
                wanted,
                "{effect}"
            );
        }
    }
}
