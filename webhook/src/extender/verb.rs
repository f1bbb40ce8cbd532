//! What is asked below `/scheduler`.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// Which question it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Which of these nodes fit.
    Filter,
    /// How good each of them is.
    Prioritize,
    /// Why a pod is where it is: asked by people, and by no scheduler.
    Explain,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Filter, Self::Prioritize, Self::Explain];

    /// Its name in paths, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Prioritize => "prioritize",
            Self::Explain => "explain",
        }
    }
}

impl EncodeLabelValue for Verb {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        self.as_str().encode(encoder)
    }
}
