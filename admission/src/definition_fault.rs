//! What can be wrong with a NetworkAttachmentDefinition beyond what the plugin itself would find.

use spec::{
    NameError,
    label::LabelKey,
    network::{ALLOW_DELETE, NODE_SELECTOR},
};

use crate::{NodeSelectorError, Rule, Users, plugin_schema::MOST_BYTES};

/// One thing that is wrong. Pointers are JSON pointers into `spec.config`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionFault {
    /// An object has two members of one name.
    #[error(
        "in spec.config, {pointer} is there twice, again with the value at line {line} column {column}; the plugins take the last one, so remove one"
    )]
    Duplicate {
        /// The member.
        pointer: String,
        /// The line of the second value, from 1.
        line: usize,
        /// Its column, from 1.
        column: usize,
    },
    /// A value that the plugin refuses.
    #[error("in spec.config, {pointer}: {found} is not {wanted}")]
    Value {
        /// Where.
        pointer: String,
        /// The value as it was found, shortened.
        found: String,
        /// What it had to be.
        wanted: String,
    },
    /// Values that the plugin refuses together.
    #[error("in spec.config, {pointer}: {problem}")]
    Together {
        /// Where.
        pointer: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Its annotation is no node selector.
    #[error("in {0}")]
    NodeSelector(NodeSelectorError),
    /// An annotation that the administrator lets name a resource does not.
    #[error("in annotation {key}, {problem}")]
    ResourceName {
        /// The annotation.
        key: LabelKey,
        /// What is wrong with it.
        problem: NameError,
    },
    /// The configuration is larger than any that a plugin needs. Its size is not told, so that one that was stored so and
    /// is mended by half has the same fault as before.
    #[error(
        "spec.config has more than {} KiB, which is more than is looked into; shorten it",
        MOST_BYTES / 1024
    )]
    TooLarge,
    /// It is to be deleted, but pods use it.
    #[error(
        "{0}; delete them first, or set its annotation {ALLOW_DELETE}: \"true\" if their next sandbox may fail"
    )]
    InUse(Users),
}

impl DefinitionFault {
    /// The field of the manifest, as Kubernetes writes field paths.
    #[must_use]
    pub fn field(&self) -> String {
        match self {
            Self::Duplicate { .. }
            | Self::Value { .. }
            | Self::Together { .. }
            | Self::TooLarge => "spec.config".to_owned(),
            Self::NodeSelector(_) => format!("metadata.annotations[{NODE_SELECTOR}]"),
            Self::ResourceName { key, .. } => format!("metadata.annotations[{key}]"),
            Self::InUse(_) => "metadata.name".to_owned(),
        }
    }

    /// The kind of the fault in the words of Kubernetes's `CauseType`.
    #[must_use]
    pub const fn cause_type(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "FieldValueDuplicate",
            Self::TooLarge => "FieldValueTooLong",
            Self::Value { .. }
            | Self::Together { .. }
            | Self::NodeSelector(_)
            | Self::ResourceName { .. }
            | Self::InUse(_) => "FieldValueInvalid",
        }
    }

    /// The rule it breaks.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        match self {
            Self::Duplicate { .. }
            | Self::Value { .. }
            | Self::Together { .. }
            | Self::TooLarge => Rule::DefinitionConfig,
            Self::NodeSelector(_) | Self::ResourceName { .. } => Rule::DefinitionAnnotations,
            Self::InUse(_) => Rule::DefinitionInUse,
        }
    }

    /// Whether `other` is the same fault of an earlier version of the object: lines above it may have come and gone.
    #[must_use]
    pub(crate) fn is_that_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Duplicate { pointer, .. }, Self::Duplicate { pointer: old, .. }) => {
                pointer == old
            }
            _ => self == other,
        }
    }
}
