//! A page as its parser reads it: what it links to, its headings, its blocks of code.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::fixture::binaries::workspace;

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    /// Its file, below the workspace.
    pub(super) path: PathBuf,
    /// Where its links and pictures lead, as they are written, with their lines.
    pub(super) links: Vec<(String, usize)>,
    /// What `#…` may name, as code hosts and mdBook make it of headings.
    pub(super) anchors: Vec<String>,
    /// Its blocks of code.
    pub(super) blocks: Vec<Block>,
}

/// A fenced block of code.
#[derive(Debug)]
pub(super) struct Block {
    /// What stands behind the fence.
    pub(super) language: String,
    /// What is in it, without the indentation of a list.
    pub(super) text: String,
    /// The line it begins in.
    pub(super) line: usize,
}

/// The folder of the book.
pub(super) fn folder() -> PathBuf {
    workspace().join("docs")
}

/// Every page of the book, its summary left out, and the pages of the repository that lead to it.
pub(super) fn all() -> Vec<Page> {
    let mut paths = pages_of(Path::new("docs"));
    paths.extend(pages_of(Path::new("")));
    paths.extend(
        ["manifests", "manifests/examples"].map(|folder| Path::new(folder).join("README.md")),
    );
    paths.iter().map(|path| read(path)).collect()
}

/// The pages of the book, its summary left out.
pub(super) fn of_the_book() -> Vec<Page> {
    pages_of(Path::new("docs"))
        .iter()
        .map(|path| read(path))
        .collect()
}

/// The Markdown files of a folder below the workspace.
fn pages_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(workspace().join(folder)).expect("the folder is there");
    let mut pages: Vec<PathBuf> = entries
        .map(|entry| folder.join(entry.expect("the folder is read").file_name()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .filter(|path| !path.ends_with("SUMMARY.md"))
        .collect();
    pages.sort();
    pages
}

/// Reads a page, whose path is below the workspace.
pub(super) fn read(path: &Path) -> Page {
    let text = std::fs::read_to_string(workspace().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Page {
    let mut page = Page {
        path: path.to_owned(),
        links: Vec::new(),
        anchors: Vec::new(),
        blocks: Vec::new(),
    };
    let line = |offset: usize| text[..offset].matches('\n').count() + 1;
    let mut heading: Option<String> = None;
    let mut block: Option<Block> = None;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push((dest_url.into_string(), line(range.start)));
            }
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                let count = seen.entry(anchor.clone()).or_default();
                page.anchors.push(if *count == 0 {
                    anchor
                } else {
                    format!("{anchor}-{count}")
                });
                *count += 1;
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                block = Some(Block {
                    language: language.into_string(),
                    text: String::new(),
                    line: line(range.start),
                });
            }
            Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
                if let Some(block) = &mut block {
                    block.text.push_str(&words);
                }
            }
            _ => {}
        }
    }
    page
}

/// The name of a heading in links.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            _ if character.is_alphanumeric() => Some(character.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}
