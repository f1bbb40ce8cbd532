//! The leases that `host-local`, reference plugin or stand-in, holds: files named for addresses.

use std::{net::IpAddr, path::Path};

use anyhow::Result;

use super::folder::files_below;

/// The leased addresses. The reference plugin's lock and its mark of the last address are no leases.
pub(super) fn leases(folder: &Path) -> Result<Vec<String>> {
    let mut files = files_below(folder)?;
    files.retain(|file| {
        let name = file.rsplit('/').next().unwrap_or(file);
        name.parse::<IpAddr>().is_ok()
    });
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_addresses_are_leases() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("net")).unwrap();
        for name in ["10.0.0.2", "fd00::2", "lock", "last_reserved_ip.0"] {
            fs::write(folder.path().join("net").join(name), "").unwrap();
        }
        assert_eq!(
            leases(folder.path()).unwrap(),
            ["net/10.0.0.2", "net/fd00::2"]
        );
    }
}
