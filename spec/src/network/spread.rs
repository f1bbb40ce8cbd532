//! What the devices of a pod are to be spread over.

/// What [`super::SPREAD`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Spread {
    /// Different physical functions.
    PhysicalFunction,
    /// Different switches (`phys_switch_id`), so that no two share what is behind a port.
    Switch,
}

impl Spread {
    /// What the annotation's text says; none where it is neither word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "physical-function" => Some(Self::PhysicalFunction),
            "switch" => Some(Self::Switch),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, wanted) in [
            ("physical-function", Some(Spread::PhysicalFunction)),
            (" switch\n", Some(Spread::Switch)),
            ("pf", None),
            ("Switch", None),
            ("", None),
        ] {
            assert_eq!(Spread::parse(text), wanted, "{text:?}");
        }
    }
}
