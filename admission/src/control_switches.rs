//! STUB to be replaced by the inject branch's.

use serde::Deserialize;

use crate::policy::Injection;

/// The switches.
#[derive(Clone, Debug, Deserialize, Default, PartialEq, Eq)]
pub struct ControlSwitches {
    #[serde(default)]
    features: Features,
}

#[derive(Clone, Debug, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
struct Features {
    enable_honor_existing_resources: bool,
}

impl ControlSwitches {
    /// Parses.
    ///
    /// # Errors
    /// No switches.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Applies.
    #[must_use]
    pub fn apply(&self, injection: &Injection) -> Injection {
        Injection {
            honor_existing_resources: self.features.enable_honor_existing_resources,
            ..injection.clone()
        }
    }
}
