//! A run of the simulation in virtual time: what happens when.

use std::collections::BTreeMap;

/// Things to come, in their order. Of two at one time the one that was planned first comes first.
#[derive(Debug)]
pub(crate) struct Schedule<T> {
    now: u64,
    planned: u64,
    coming: BTreeMap<(u64, u64), T>,
}

impl<T> Schedule<T> {
    pub(crate) const fn new() -> Self {
        Self {
            now: 0,
            planned: 0,
            coming: BTreeMap::new(),
        }
    }

    /// Milliseconds since the beginning.
    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    pub(crate) fn at(&mut self, time: u64, what: T) {
        self.planned += 1;
        let key = (time.max(self.now), self.planned);
        self.coming.insert(key, what);
    }

    pub(crate) fn after(&mut self, pause: u64, what: T) {
        self.at(self.now + pause, what);
    }

    pub(crate) fn next(&mut self) -> Option<T> {
        let ((time, _), what) = self.coming.pop_first()?;
        self.now = time;
        Some(what)
    }
}
