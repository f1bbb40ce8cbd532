//! A page of the book that is made, and compared with what is there.

use std::fmt::Display;

use crate::fixture::binaries::workspace;

/// With it pages are written, and not only compared.
const UPDATE: &str = "UPDATE_DOCS";

/// A page that grows.
#[derive(Debug)]
pub(super) struct Page {
    file: &'static str,
    scenario: &'static str,
    text: String,
}

impl Page {
    /// A page of `docs`, which the scenario of this name makes.
    pub(super) fn new(
        file: &'static str,
        title: &str,
        scenario: &'static str,
        about: &str,
    ) -> Self {
        let text = format!(
            "# {title}\n\n<!-- Made by `{UPDATE}=1 cargo test --workspace --test tests -- {scenario}`\n     from tests/src/references; a test compares. -->\n\n{}\n",
            about.trim()
        );
        Self {
            file,
            scenario,
            text,
        }
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str, about: &str) {
        self.text.push_str(&format!("\n## {title}\n"));
        if !about.is_empty() {
            self.text.push_str(&format!("\n{}\n", about.trim()));
        }
    }

    /// Adds a table; nothing where it has no rows.
    pub(super) fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return;
        }
        self.text.push('\n');
        self.row(head.map(str::to_owned));
        self.row([(); N].map(|()| "---".to_owned()));
        for row in rows {
            self.row(row);
        }
    }

    fn row<const N: usize>(&mut self, cells: [String; N]) {
        for cell in cells {
            assert!(!cell.contains('\n'), "a cell has one line: {cell}");
            let space = if cell.is_empty() { "" } else { " " };
            self.text.push_str(&format!("|{space}{cell} "));
        }
        self.text.push_str("|\n");
    }

    /// Compares it with what is there, or puts it there.
    pub(super) fn compare(self) {
        let file = workspace().join("docs").join(self.file);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&file, &self.text).expect("the page can be written");
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            written == self.text,
            "{} is not what the programs say: {UPDATE}=1 cargo test --workspace --test tests -- {}",
            file.display(),
            self.scenario
        );
    }
}

/// As it stands in a cell: as code, with nothing that ends the cell.
pub(super) fn code(text: impl Display) -> String {
    let text = text.to_string().replace('|', "\\|");
    if text.is_empty() {
        String::new()
    } else {
        format!("`{text}`")
    }
}

/// Words of a program as they stand in a cell.
pub(super) fn words(text: &str) -> String {
    let joined: Vec<&str> = text.split_whitespace().collect();
    joined
        .join(" ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('*', "\\*")
}
