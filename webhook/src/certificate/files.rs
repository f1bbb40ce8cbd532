//! A certificate that somebody else puts into a folder: cert-manager and service-ca through a mounted Secret, or people.
//!
//! The folder is read every few seconds, and what it holds compared with what was read before. The kubelet replaces a
//! mounted Secret by renaming the link `..data`; a watch on the files themselves would never hear of that.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use certs::{foreign::Foreign, names::ServerNames};
use time::OffsetDateTime;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{status::Status, with_causes};

/// How often the folder is read. Three small files.
const INTERVAL: Duration = Duration::from_secs(2);

/// The link that the kubelet renames: what is behind it belongs together.
const SNAPSHOT: &str = "..data";

/// The folder, and what it held when it was read last.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    names: Option<ServerNames>,
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    texts: Result<Texts, String>,
    is_served: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Texts {
    chain: String,
    key: String,
    ca: Option<String>,
}

impl Folder {
    /// Nothing has been read yet. What is served must be for all of `names`.
    #[must_use]
    pub fn new(path: PathBuf, names: Option<ServerNames>) -> Self {
        Self {
            path,
            names,
            seen: None,
        }
    }

    /// Reads the folder for ever.
    pub async fn follow(mut self, status: &Status) {
        loop {
            sleep(INTERVAL).await;
            self.look(status, OffsetDateTime::now_utc());
        }
    }

    /// Reads the folder once and serves what is new and good. What is not is told and counted once, and tried again: it
    /// may only be that its time has not come.
    pub fn look(&mut self, status: &Status, now: OffsetDateTime) {
        let texts = read(&self.path).map_err(|error| error.to_string());
        let known = self.seen.as_ref().filter(|seen| seen.texts == texts);
        if known.is_some_and(|seen| seen.is_served) {
            return;
        }
        let is_new = known.is_none();
        let taken = texts.as_ref().map_err(Clone::clone).and_then(|texts| {
            let Texts { chain, key, ca } = texts;
            Foreign::from_pem(chain, key, ca.as_deref(), self.names.clone())
                .and_then(|foreign| status.take_foreign(foreign, now))
                .map_err(|error| with_causes(&error))
        });
        let is_served = taken.is_ok();
        match taken {
            Ok(()) => info!(folder = %self.path.display(), "Certificate loaded"),
            Err(error) if is_new => {
                warn!(%error, folder = %self.path.display(), "Certificate not loaded, the one before is served on");
                status.refuse(error);
            }
            Err(_) => {}
        }
        self.seen = Some(Seen { texts, is_served });
    }
}

fn read(folder: &Path) -> io::Result<Texts> {
    // Between two reads the link may be renamed; the folder it stood for stays as it is.
    let snapshot = fs::canonicalize(folder.join(SNAPSHOT));
    let folder = snapshot.unwrap_or_else(|_| folder.to_owned());
    let file = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|error| {
            io::Error::new(error.kind(), format!("reading {}: {error}", path.display()))
        })
    };
    let ca = match file("ca.crt") {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(Texts {
        chain: file("tls.crt")?,
        key: file("tls.key")?,
        ca,
    })
}

#[cfg(test)]
mod tests;
