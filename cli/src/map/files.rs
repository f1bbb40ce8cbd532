//! A cluster in files, which are read again when they change.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::{Result, bail};
use api::objects;

use super::{
    document::Document,
    seen::{Kind, Seen},
    snapshot::Sender,
};
use crate::input::{self, Source};

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The files that objects are read from.
#[derive(Clone, Debug)]
pub(super) struct Files {
    filenames: Vec<PathBuf>,
    /// What came on standard input, which can be read once.
    given: Option<Source>,
}

/// By what a change is noticed: each file with its length and when it was written.
type Fingerprint = Vec<(PathBuf, Option<(u64, SystemTime)>)>;

impl Files {
    /// # Errors
    /// Standard input is one of them and cannot be read.
    pub(super) fn new(filenames: &[PathBuf]) -> Result<Self> {
        let mut files = Self {
            filenames: filenames.to_vec(),
            given: None,
        };
        if filenames.iter().any(|name| is_given(name)) {
            files.given = input::sources(Path::new("-")).pop().transpose()?;
        }
        Ok(files)
    }

    /// What people are told of where it is from: names without folders, as the map is handed on.
    pub(super) fn label(&self) -> String {
        let names = self.filenames.iter().map(|name| {
            if is_given(name) {
                return input::STANDARD_INPUT.into();
            }
            let last = name.file_name().unwrap_or(name.as_os_str());
            last.to_string_lossy()
        });
        format!("from {}", names.collect::<Vec<_>>().join(", "))
    }

    /// Reads everything.
    pub(super) fn read(&self) -> Result<Document> {
        let mut seen = Seen::default();
        let mut is_empty = true;
        for source in self.filenames.iter().flat_map(|name| self.sources(name)) {
            let Source { name, text } = source?;
            for object in objects::parse(&text, &name)? {
                if let Some(kind) = Kind::of(&object.api_version, &object.kind) {
                    is_empty = false;
                    seen.see(kind, &object.value);
                }
            }
        }
        if is_empty {
            bail!(
                "there is no object in the input that the map is drawn from; name files that hold Nodes, NodeInventories, Pods and NetworkAttachmentDefinitions"
            );
        }
        Ok(seen.document(seen.newest(), Vec::new()))
    }

    fn sources(&self, name: &Path) -> Vec<Result<Source>> {
        if is_given(name) {
            return self.given.clone().map(Ok).into_iter().collect();
        }
        input::sources(name)
    }

    /// Publishes the document again and again as the files change. What cannot be read leaves the last one, and says so.
    pub(super) async fn follow(self, sender: Sender) {
        let mut known = self.fingerprint();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = sender.closed() => return,
            }
            let now = self.fingerprint();
            if now == known {
                continue;
            }
            known = now;
            match self.read() {
                Ok(document) => sender.publish(document, None),
                Err(error) => sender.stale(format!("{error:#}")),
            }
        }
    }

    /// Of standard input nothing changes.
    fn fingerprint(&self) -> Fingerprint {
        let files = self.filenames.iter().filter(|name| !is_given(name));
        let files = files.flat_map(|name| objects::files(name).unwrap_or_default());
        files
            .map(|file| {
                let metadata = fs::metadata(&file).ok();
                let told = metadata.and_then(|told| Some((told.len(), told.modified().ok()?)));
                (file, told)
            })
            .collect()
    }
}

/// Whether this names standard input.
fn is_given(name: &Path) -> bool {
    name == Path::new("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_stays_when_files_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.yaml");
        let node =
            |name: &str| format!("{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}}}");
        let files = Files {
            filenames: vec!["-".into(), file.clone(), "-".into()],
            given: Some(Source {
                name: input::STANDARD_INPUT.to_owned(),
                text: node("a"),
            }),
        };
        assert_eq!(files.label(), "from standard input, b.yaml, standard input");
        for name in ["b", "c"] {
            fs::write(&file, node(name)).unwrap();
            let nodes = files.read().unwrap().nodes;
            let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
            assert_eq!(names, ["a", name]);
        }
    }
}
