//! What a text is written on.

use std::{
    env,
    io::{self, IsTerminal as _},
};

/// What a text is written on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    /// So many columns; any number where it is no terminal.
    pub(crate) width: Option<usize>,
    /// Whether colours are shown.
    pub(crate) is_coloured: bool,
}

impl Screen {
    /// Standard output. Colours are for terminals, and not with `NO_COLOR` (<https://no-color.org>) or `TERM=dumb`.
    pub(crate) fn of_stdout() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self::default();
        }
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let size = rustix::termios::tcgetwinsize(&stdout);
        let width = size.map_or(80, |size| usize::from(size.ws_col));
        Self {
            // A terminal that says nothing of its width has any.
            width: Some(width).filter(|width| *width > 0),
            is_coloured: !refused && !is_dumb,
        }
    }

    /// The same, as wide as what is written.
    pub(crate) fn wide(self) -> Self {
        Self {
            width: None,
            ..self
        }
    }
}
