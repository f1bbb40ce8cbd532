//! What tells that the kubelet may have allocated: files that it writes, and pods that come. Devices, exclusive CPUs, memory
//! and claims are each noted in a file of their own.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use tokio::time::Instant;

use super::follow::PATIENCE;
use crate::store::Store;

/// The kubelet's notes in its root directory, where its managers are on.
const NOTES: [&str; 3] = [
    "cpu_manager_state",
    "memory_manager_state",
    "dra_manager_state",
];

/// What was there when it was looked last.
#[derive(Debug)]
pub(super) struct Changes {
    store: Arc<Store>,
    files: Vec<PathBuf>,
    written: Vec<Option<SystemTime>>,
    pods: BTreeSet<String>,
    /// Pods came that the kubelet may not have admitted by then: it is looked again.
    again: Option<Instant>,
}

impl Changes {
    /// None since now. `checkpoint` is that of devices, `ROOT/device-plugins/kubelet_internal_checkpoint`.
    pub(super) fn new(checkpoint: &Path, store: Arc<Store>) -> Self {
        let root = checkpoint.parent().and_then(Path::parent);
        let notes = root
            .into_iter()
            .flat_map(|root| NOTES.map(|note| root.join(note)));
        let files: Vec<PathBuf> = [checkpoint.to_owned()].into_iter().chain(notes).collect();
        Self {
            written: changed_at(&files),
            files,
            pods: uids(&store),
            store,
            again: None,
        }
    }

    /// Whether the kubelet has written since this was asked last. A file that is not there is none that was written.
    pub(super) fn kubelet_has_written(&mut self) -> bool {
        let before = std::mem::replace(&mut self.written, changed_at(&self.files));
        self.written != before
    }

    /// Whether pods were heard of since this was asked last, or a while ago.
    pub(super) fn pods_have_come(&mut self, now: Instant) -> bool {
        let pods = uids(&self.store);
        let have_come = !pods.is_subset(&self.pods);
        self.pods = pods;
        if have_come {
            self.again.get_or_insert(now + PATIENCE);
        }
        let is_over = self.again.is_some_and(|again| again <= now);
        if is_over {
            self.again = None;
        }
        have_come || is_over
    }
}

fn uids(store: &Store) -> BTreeSet<String> {
    let pods = store.pods().into_iter();
    pods.filter_map(|pod| pod.uid.clone()).collect()
}

fn changed_at(files: &[PathBuf]) -> Vec<Option<SystemTime>> {
    let written = files.iter();
    written
        .map(|file| fs::metadata(file).ok()?.modified().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::pod;

    #[test]
    fn every_manager_has_its_file() {
        let root = tempfile::tempdir().unwrap();
        let plugins = root.path().join("device-plugins");
        fs::create_dir(&plugins).unwrap();
        let checkpoint = plugins.join("kubelet_internal_checkpoint");
        let mut changes = Changes::new(&checkpoint, Arc::default());
        assert!(!changes.kubelet_has_written());
        let notes = NOTES.map(|note| root.path().join(note));
        for file in [&checkpoint].into_iter().chain(&notes) {
            fs::write(file, "{}").unwrap();
            assert!(changes.kubelet_has_written(), "{}", file.display());
            assert!(!changes.kubelet_has_written());
        }
        fs::remove_file(&checkpoint).unwrap();
        assert!(changes.kubelet_has_written());
    }

    #[test]
    fn a_pod_that_comes_is_looked_at_twice() {
        let store = Arc::new(Store::default());
        store.reset_pods([pod("u1", "a")]);
        let mut changes = Changes::new(Path::new("/none"), Arc::clone(&store));
        let now = Instant::now();
        assert!(!changes.pods_have_come(now));
        store.reset_pods([pod("u2", "a")]);
        assert!(changes.pods_have_come(now));
        assert!(!changes.pods_have_come(now));
        assert!(changes.pods_have_come(now + PATIENCE));
        assert!(!changes.pods_have_come(now + PATIENCE));
        // One that is gone is missed where it held something.
        store.reset_pods([]);
        assert!(!changes.pods_have_come(now + PATIENCE));
    }
}
