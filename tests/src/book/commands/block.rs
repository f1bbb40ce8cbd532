//! The fenced blocks of the book's pages, and the code in their sentences.

use std::{fs, path::Path};

use pulldown_cmark::{Event, Options, Parser};

use crate::{
    book::page::{self, Page},
    fixture::binaries::workspace,
};

/// A fenced block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// The page, below the workspace.
    pub(super) page: String,
    /// The line of the fence, from 1.
    pub(super) line: usize,
    pub(super) language: Language,
    /// The lines between the fences, without what the first one is indented by.
    pub(super) lines: Vec<String>,
}

/// What a block is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Commands alone.
    Shell,
    /// Commands after `$ `, and what they print.
    Console,
    /// Nothing that is executed.
    Other,
    /// It does not say, or says what nobody knows.
    Unknown(String),
}

/// What a fence may say.
pub(super) const LANGUAGES: [&str; 11] = [
    "sh", "bash", "console", "text", "yaml", "json", "toml", "html", "promql", "rust", "diff",
];

/// What is no page of today.
const HISTORY: &str = "CHANGELOG.md";

/// The blocks of every page, in the order of the pages' names.
pub(super) fn all() -> Vec<Block> {
    let blocks: Vec<Block> = page::all()
        .into_iter()
        .flat_map(|Page { path, blocks, .. }| {
            let page = path.display().to_string();
            blocks.into_iter().map(move |block| Block {
                page: page.clone(),
                line: block.line,
                language: Language::of(block.language.trim()),
                lines: block.text.lines().map(str::to_owned).collect(),
            })
        })
        .collect();
    assert!(blocks.len() > 50, "the book has blocks: {}", blocks.len());
    blocks
}

impl Language {
    fn of(text: &str) -> Self {
        // mdBook takes more words after a comma.
        match text.split(',').next().unwrap_or_default() {
            "sh" | "bash" => Self::Shell,
            "console" => Self::Console,
            known if LANGUAGES.contains(&known) => Self::Other,
            unknown => Self::Unknown(unknown.to_owned()),
        }
    }
}

/// What begins a command in a block that shows what is printed, and the further lines of one.
pub(super) const PROMPT: &str = "$ ";

impl Block {
    /// The lines that are commands; others are empty, so that lines keep their numbers.
    pub(super) fn commands(&self) -> String {
        let lines = match self.language {
            Language::Shell => self.lines.clone(),
            Language::Console => self.prompted(),
            Language::Other | Language::Unknown(_) => Vec::new(),
        };
        lines.join("\n")
    }

    fn prompted(&self) -> Vec<String> {
        let mut goes_on = false;
        let lines = self.lines.iter().map(|line| {
            let command = match line.strip_prefix(PROMPT) {
                Some(command) => command,
                None if goes_on => line.as_str(),
                None => "",
            };
            goes_on = command.ends_with('\\');
            command.to_owned()
        });
        lines.collect()
    }
}

/// Code in sentences: page, line and what is written as code.
pub(super) fn spans() -> Vec<(String, usize, String)> {
    let pages = page::all()
        .into_iter()
        .filter(|page| page.path != Path::new(HISTORY));
    pages.flat_map(|page| spans_of(&page.path)).collect()
}

fn spans_of(path: &Path) -> Vec<(String, usize, String)> {
    let text = fs::read_to_string(workspace().join(path)).expect("a page can be read");
    let events = Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter();
    let spans = events.filter_map(|(event, range)| match event {
        Event::Code(code) => {
            let line = text[..range.start].matches('\n').count() + 1;
            Some((path.display().to_string(), line, code.into_string()))
        }
        _ => None,
    });
    spans.collect()
}
