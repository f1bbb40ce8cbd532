//! One pod's requests one after another, in the order they came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Namespace and name.
type Pod = (String, String);

/// Whose turn it is, by pod.
#[derive(Debug, Default)]
pub struct Turns(Mutex<HashMap<Pod, Weak<Turn<()>>>>);

impl Turns {
    /// Waits for the turn of a request about `pod`; it lasts until what is given back is dropped.
    pub async fn wait(&self, pod: Pod) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(&pod).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(pod, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_pod_waits_and_another_does_not() {
        let turns = Turns::default();
        let pod = |name: &str| ("default".to_owned(), name.to_owned());
        let first = turns.wait(pod("a")).await;
        let other = turns.wait(pod("b")).await;
        let second = timeout(Duration::from_secs(5), turns.wait(pod("a"))).await;
        assert!(second.is_err());
        drop(first);
        drop(turns.wait(pod("a")).await);
        drop(other);
        drop(turns.wait(pod("c")).await);
        assert_eq!(turns.0.lock().unwrap().len(), 1, "nobody is remembered");
    }
}
