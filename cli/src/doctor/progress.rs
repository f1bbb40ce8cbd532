//! What is being waited for, on a terminal, while it takes longer than a person wonders.

use std::{
    cell::RefCell,
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

/// Before this nobody wonders.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks.
const BEAT: Duration = Duration::from_millis(200);

/// What is waited for, each with how many objects of it came.
#[derive(Debug, Default)]
pub(super) struct Progress {
    awaited: RefCell<Vec<(&'static str, usize)>>,
    done: RefCell<usize>,
}

impl Progress {
    /// Waits for something under a name.
    pub(super) async fn awaiting<T>(
        &self,
        what: &'static str,
        coming: impl Future<Output = T>,
    ) -> T {
        self.awaited.borrow_mut().push((what, 0));
        let come = coming.await;
        self.awaited.borrow_mut().retain(|(name, _)| *name != what);
        *self.done.borrow_mut() += 1;
        come
    }

    /// One more object of it came.
    pub(super) fn came(&self, what: &'static str) {
        let mut awaited = self.awaited.borrow_mut();
        if let Some((_, count)) = awaited.iter_mut().find(|(name, _)| *name == what) {
            *count += 1;
        }
    }

    /// Shows it on standard error while that is a terminal, until `all` is done.
    pub(super) async fn shown<T>(&self, all: impl Future<Output = T>) -> T {
        if !io::stderr().is_terminal() {
            return all.await;
        }
        let beats = async {
            tokio::time::sleep(PATIENCE).await;
            loop {
                // Nobody is told anything by an error of standard error.
                let _ = write!(io::stderr(), "\r\u{1b}[2K{}", self.line());
                tokio::time::sleep(BEAT).await;
            }
        };
        let done = tokio::select! {
            biased;
            done = all => done,
            never = beats => never,
        };
        let _ = write!(io::stderr(), "\r\u{1b}[2K");
        done
    }

    /// `looked at 9; waiting for nodes (500), pods`, short enough for a terminal's line.
    fn line(&self) -> String {
        let awaited = self.awaited.borrow();
        let words: Vec<String> = awaited
            .iter()
            .map(|(what, count)| match count {
                0 => (*what).to_owned(),
                count => format!("{what} ({count})"),
            })
            .collect();
        let line = format!(
            "looked at {}; waiting for {}",
            self.done.borrow(),
            words.join(", ")
        );
        line.chars().take(79).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_named_with_what_came() {
        let progress = Progress::default();
        progress
            .awaited
            .borrow_mut()
            .extend([("nodes", 0), ("pods", 0)]);
        progress.came("nodes");
        progress.came("nodes");
        progress.came("nobody waits for it");
        assert_eq!(progress.line(), "looked at 0; waiting for nodes (2), pods");
        let long =
            "something with a very long name that fills the whole line of a terminal, and more";
        progress.awaited.borrow_mut().push((long, 0));
        assert_eq!(progress.line().chars().count(), 79);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let progress = Progress::default();
        assert_eq!(
            runtime.block_on(progress.shown(progress.awaiting("it", async { 5 }))),
            5
        );
        assert_eq!(progress.line(), "looked at 1; waiting for ");
    }
}
