//! How commands print: the formats of `-o`, and the terminal.

mod age;
mod screen;
mod table;
mod wrap;

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::Serialize;

pub(crate) use self::{
    age::{age, instant},
    screen::Screen,
    table::{Cell, Column, Table, Tone},
    wrap::{hanging, wrap},
};

/// The argument that says how is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct OutputArgs {
    /// How it is printed. `table` leaves columns out where the terminal is narrow, `wide` none.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

/// How is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, within the terminal. `why` has called it `text`.
    #[default]
    #[value(alias = "text")]
    Table,
    /// For people, with all columns.
    Wide,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
}

/// Warns on standard error, in a line: what objects and servers say may hold anything.
pub(crate) fn warn(warning: impl std::fmt::Display) {
    eprintln!(
        "warning: {}",
        warning.to_string().replace(char::is_control, " ")
    );
}

/// Prints a command's answer: for people as `text` writes it for their terminal, for programs as it is.
///
/// # Errors
/// Standard output cannot be written to. A reader that has gone, as `head` does, is no error.
pub(crate) fn print<T: Serialize>(
    format: Format,
    answer: &T,
    text: impl FnOnce(&Screen) -> String,
) -> Result<()> {
    let text = match format {
        Format::Table => text(&Screen::of_stdout()),
        Format::Wide => text(&Screen::of_stdout().wide()),
        Format::Json => serde_json::to_string_pretty(answer)? + "\n",
        Format::Yaml => serde_saphyr::to_string(answer)?,
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
