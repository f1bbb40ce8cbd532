//! Single files, links and folders of sysfs. What cannot be read is `None`: a link that is down has no speed, a device
//! that vanishes has nothing.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use spec::device::PciAddress;

/// An attribute is at most a page.
const LARGEST: u64 = 64 * 1024;

/// The text of a file, without blanks around it; `None` where there is none.
pub(super) fn text(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The decimal number in a file.
pub(super) fn number<T: FromStr>(path: &Path) -> Option<T> {
    text(path)?.parse().ok()
}

/// The hexadecimal number in a file, such as `0x15b3`.
pub(super) fn hexadecimal(path: &Path) -> Option<u32> {
    let text = text(path)?;
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(&text), 16).ok()
}

/// The last part of what a link points to.
pub(super) fn link_name(path: &Path) -> Option<String> {
    let target = fs::read_link(path).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// The names in a folder, sorted. A folder that is not there has none.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Where a device of a bus really is; `None` when it is gone.
pub(super) fn real(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// The PCI functions on the way to a device, the nearest one last.
pub(super) fn pci_addresses(real: &Path) -> Vec<PciAddress> {
    real.iter()
        .filter_map(|part| PciAddress::try_from(part.to_str()?).ok())
        .collect()
}
