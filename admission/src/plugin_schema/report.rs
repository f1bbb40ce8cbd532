//! What the schemas find in one configuration.

use jsonptr::Pointer;

use crate::{
    DefinitionFault, Warning,
    json::{Json, Value},
    one_line::one_line,
};

/// How many warnings one configuration gets: an API server passes on 4096 characters of all webhooks together.
const MOST_WARNINGS: usize = 10;

/// How many faults one configuration is looked through for; a denial tells fewer.
const MOST_FAULTS: usize = 100;

/// How much of a value a fault quotes.
const MOST_QUOTED: usize = 60;

/// How much of a pointer is told. The keys that plugins know are short, but an author's may be as long as the whole.
const MOST_OF_A_POINTER: usize = 200;

/// What keys are named of whose values are nobody else's. They are quoted nowhere: denials go to terminals and logs.
const SECRETS: [&str; 6] = ["password", "passwd", "token", "key", "secret", "credential"];

/// Faults and warnings, in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) faults: Vec<DefinitionFault>,
    pub(crate) warnings: Vec<Warning>,
    /// How many members and elements were looked at.
    #[cfg(test)]
    pub(super) looks: usize,
}

impl Report {
    /// The plugin refuses the value at `at`.
    pub(super) fn refused(&mut self, at: &Pointer, found: &Json<'_>, wanted: impl Into<String>) {
        self.add(DefinitionFault::Value {
            pointer: place(at),
            found: shown(at, found),
            wanted: wanted.into(),
        });
    }

    /// The plugin refuses what stands at `at` because of something else.
    pub(super) fn refused_together(&mut self, at: &Pointer, problem: impl Into<String>) {
        self.add(DefinitionFault::Together {
            pointer: place(at),
            problem: problem.into(),
        });
    }

    /// Whether it is worth to look at one more member or element: not where there are faults enough.
    pub(super) fn looks_on(&mut self) -> bool {
        #[cfg(test)]
        {
            self.looks += 1;
        }
        !self.is_full()
    }

    /// Whether there are faults enough.
    pub(super) fn is_full(&self) -> bool {
        self.faults.len() >= MOST_FAULTS
    }

    /// Takes a fault, unless there are enough.
    pub(super) fn add(&mut self, fault: DefinitionFault) {
        if !self.is_full() {
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

/// A pointer as people write it, that of the whole configuration too.
pub(super) fn place(at: &Pointer) -> String {
    let text = if at.is_root() { "/" } else { at.as_str() };
    cut(text, MOST_OF_A_POINTER)
}

/// What a fault tells of the value at `at`.
fn shown(at: &Pointer, found: &Json<'_>) -> String {
    let is_open = matches!(
        found.value,
        Value::List(_) | Value::Object(_) | Value::Closed
    );
    if is_secret(at.as_str()) || (is_open && is_secret(found.text)) {
        return "what stands there".to_owned();
    }
    quoted(found.text)
}

fn is_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SECRETS.iter().any(|word| text.contains(word))
}

/// A text of the configuration as a message shows it.
pub(super) fn quoted(text: &str) -> String {
    cut(text, MOST_QUOTED)
}

/// The beginning of a text, on one line: JSON may have control characters, and layout.
fn cut(text: &str, most: usize) -> String {
    let mut kept = match text.char_indices().nth(most) {
        None => return one_line(text),
        Some((end, _)) => one_line(&text[..end]),
    };
    kept.push('…');
    kept
}
