//! A store that lives and ends with its process.

use std::sync::{Mutex, PoisonError};

use crate::store::{Bundle, Store};

/// Keeps a bundle in memory; its revision is the number of saves.
#[derive(Debug, Default)]
pub struct Memory(Mutex<(Option<Bundle>, u64)>);

/// The store has changed since it was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("saving the certificates: they have changed since they were loaded; load them again")]
pub struct Conflict;

impl Store for Memory {
    type Revision = u64;
    type Error = Conflict;

    async fn load(&self) -> Result<(Option<Bundle>, u64), Conflict> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    async fn save(&self, bundle: &Bundle, replaced: &u64) -> Result<(), Conflict> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.1 != *replaced {
            return Err(Conflict);
        }
        *state = (Some(bundle.clone()), replaced + 1);
        Ok(())
    }
}
