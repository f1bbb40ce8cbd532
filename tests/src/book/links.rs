//! Links of the pages, as a code host and the built book follow them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

use super::page::{self, Page};
use crate::fixture::binaries::workspace;

/// Every relative link of a page names a file of the repository, and of a page a heading that is there.
///
/// A page of the book links to pages outside of it by their folder: mdBook would make `.html` of `.md`.
pub(super) fn lead_somewhere() {
    let pages: BTreeMap<PathBuf, Page> = page::all()
        .into_iter()
        .map(|page| (page.path.clone(), page))
        .collect();
    let wrong: Vec<String> = pages
        .values()
        .flat_map(|page| {
            page.links.iter().filter_map(|(link, line)| {
                let wrong = wrong(page, link, &pages)?;
                Some(format!("{}:{line}: {link}: {wrong}", page.path.display()))
            })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a link of a page.
fn wrong(page: &Page, link: &str, pages: &BTreeMap<PathBuf, Page>) -> Option<String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = if file.is_empty() {
        page.path.clone()
    } else {
        let Some(path) = beside(&page.path, file) else {
            return Some("leaves the repository".to_owned());
        };
        path
    };
    if !workspace().join(&path).exists() {
        return Some("there is no such file".to_owned());
    }
    let is_of_the_book = |path: &Path| path.starts_with("docs");
    let is_markdown = path.extension() == Some(OsStr::new("md"));
    if is_of_the_book(&page.path) && !is_of_the_book(&path) && is_markdown {
        return Some("mdBook would make .html of it: link to its folder".to_owned());
    }
    if anchor.is_empty() {
        return None;
    }
    let target = pages.get(&path)?;
    (!target.anchors.iter().any(|known| known == anchor))
        .then(|| format!("no heading of {} is #{anchor}", path.display()))
}

/// The path below the workspace that a page means by this one.
fn beside(page: &Path, file: &str) -> Option<PathBuf> {
    let mut path = page.parent()?.to_owned();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// Each page once, and nothing but pages.
pub(super) fn every_page_is_in_the_summary() {
    let summary = page::read(Path::new("docs/SUMMARY.md"));
    let listed: Vec<&str> = summary
        .links
        .iter()
        .map(|(link, _)| link.as_str())
        .collect();
    let once: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(
        once.len(),
        listed.len(),
        "a page is listed twice: {listed:?}"
    );
    let pages = page::of_the_book();
    let there: BTreeSet<&str> = pages
        .iter()
        .filter_map(|page| page.path.file_name()?.to_str())
        .collect();
    let unlisted: Vec<_> = there.difference(&once).collect();
    assert!(unlisted.is_empty(), "not in docs/SUMMARY.md: {unlisted:?}");
    let lost: Vec<_> = once.difference(&there).collect();
    assert!(
        lost.is_empty(),
        "in docs/SUMMARY.md and nowhere else: {lost:?}"
    );
}

/// No picture lies about that no page shows.
pub(super) fn every_picture_is_shown() {
    let shown: BTreeSet<PathBuf> = page::all()
        .iter()
        .flat_map(|page| page.links.iter().map(move |(link, _)| (page, link)))
        .filter_map(|(page, link)| beside(&page.path, link))
        .collect();
    let Ok(entries) = std::fs::read_dir(page::folder().join("pictures")) else {
        return;
    };
    let unused: Vec<PathBuf> = entries
        .map(|entry| Path::new("docs/pictures").join(entry.expect("it is read").file_name()))
        .filter(|picture| !shown.contains(picture))
        .collect();
    assert!(unused.is_empty(), "no page shows {unused:?}");
}
