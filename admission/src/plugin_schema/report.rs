//! What the schemas find in one configuration.

use jsonptr::Pointer;

use crate::{DefinitionFault, Warning, json::Json};

/// How many warnings one configuration gets: an API server passes on 4096 characters of all webhooks together.
const MOST_WARNINGS: usize = 10;

/// How many faults one configuration is looked through for; a denial tells fewer.
pub(super) const MOST_FAULTS: usize = 100;

/// How much of a value a fault quotes.
const MOST_QUOTED: usize = 60;

/// Faults and warnings, in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) faults: Vec<DefinitionFault>,
    pub(crate) warnings: Vec<Warning>,
}

impl Report {
    /// The plugin refuses the value at `at`.
    pub(super) fn refused(&mut self, at: &Pointer, found: &Json<'_>, wanted: impl Into<String>) {
        self.add(DefinitionFault::Value {
            pointer: place(at).to_owned(),
            found: quoted(found.text),
            wanted: wanted.into(),
        });
    }

    /// The plugin refuses what stands at `at` because of something else.
    pub(super) fn refused_together(&mut self, at: &Pointer, problem: impl Into<String>) {
        self.add(DefinitionFault::Together {
            pointer: place(at).to_owned(),
            problem: problem.into(),
        });
    }

    /// Takes a fault, unless there are enough.
    pub(super) fn add(&mut self, fault: DefinitionFault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    /// The plugin passes over what stands at `at`, or does with it what its author may not have meant.
    pub(super) fn warn(&mut self, at: &Pointer, text: &str) {
        if self.tells_more() {
            self.warnings
                .push(Warning::new(&format!("{}: {text}", place(at))));
        }
    }

    /// Whether another warning would be passed on.
    pub(super) fn tells_more(&self) -> bool {
        self.warnings.len() < MOST_WARNINGS
    }
}

/// The whole configuration as people write its pointer.
fn place(at: &Pointer) -> &str {
    if at.is_root() { "/" } else { at.as_str() }
}

/// A text of the configuration as a message shows it.
pub(super) fn quoted(text: &str) -> String {
    if text.chars().count() <= MOST_QUOTED {
        return text.to_owned();
    }
    text.chars().take(MOST_QUOTED).chain(['…']).collect()
}
