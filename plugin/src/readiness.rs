//! `readinessindicatorfile`: the cluster network is ready when its file is there.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::error::Error;

/// How long ADD waits for it, as Multus does.
const PATIENCE: Duration = Duration::from_secs(45);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until the file is there, at most until `until`.
///
/// # Errors
/// It did not come.
pub fn wait(file: Option<&Path>, until: Instant) -> Result<(), Error> {
    let until = until.min(Instant::now() + PATIENCE);
    loop {
        match check(file) {
            Err(_) if Instant::now() < until => std::thread::sleep(LOOK),
            done => return done,
        }
    }
}

/// Whether the file is there now.
///
/// # Errors
/// It is not.
pub fn check(file: Option<&Path>) -> Result<(), Error> {
    match file {
        Some(file) if !file.exists() => Err(Error::NotReady {
            file: file.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_comes_late() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ready");
        assert!(check(None).is_ok());
        let error = wait(Some(&file), Instant::now()).unwrap_err();
        assert_eq!(error.code(), spec::cni::code::NOT_AVAILABLE);
        let late = file.clone();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            std::fs::write(late, "").unwrap();
        });
        wait(Some(&file), Instant::now() + Duration::from_secs(30)).unwrap();
        writer.join().unwrap();
    }
}
