//! Tables as kubectl prints them: aligned columns, and where the terminal is narrow the least important ones left out.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Screen, wrap};

/// Between two columns.
const GAP: usize = 2;

/// A column that is cut keeps so much.
const NARROWEST: usize = 8;

/// A table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its heading.
    name: &'static str,
    /// Columns of a higher rank are left out first; those of rank 0 never.
    rank: u8,
    is_number: bool,
    is_folded: bool,
}

/// What stands in a row of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

/// How it is meant. Words say it too: colours are not for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// As it ought to be.
    Good,
    /// Worth a look.
    Warning,
    /// Not as it ought to be.
    Bad,
    /// Beside the point.
    Faint,
}

impl Tone {
    /// A text in this tone.
    pub(crate) fn paint(self, text: &str, screen: &Screen) -> String {
        let code = match self {
            Self::Plain => "",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Faint => "2",
        };
        if !screen.is_coloured || code.is_empty() {
            return text.to_owned();
        }
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

impl Cell {
    /// A text. What objects of others say cannot steer the terminal; nothing is written as `-`.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let text: String = text.into();
        let text = match text.as_str() {
            "" => "-".to_owned(),
            text => text.replace(char::is_control, " "),
        };
        Self {
            text,
            tone: Tone::Plain,
        }
    }

    /// The same in another tone.
    pub(crate) fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl Column {
    /// A column that is always there.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            rank: 0,
            is_number: false,
            is_folded: false,
        }
    }

    /// The same, left out where the terminal is narrow, before those of lower ranks.
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// The same, aligned to the right.
    pub(crate) const fn number(self) -> Self {
        Self {
            is_number: true,
            ..self
        }
    }
}

impl Column {
    /// The same, folded where the terminal is too narrow for it. Only the last column can be.
    pub(crate) const fn folded(self) -> Self {
        Self {
            is_folded: true,
            ..self
        }
    }
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        cells.resize_with(self.columns.len(), Cell::default);
        self.rows.push(cells);
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, with its columns' names first, and a last line that names the columns that were left out.
    pub(crate) fn text(&self, screen: &Screen) -> String {
        let natural: Vec<usize> = (0..self.columns.len())
            .map(|column| self.natural(column))
            .collect();
        let shown = self.shown(&natural, screen.width);
        let mut widths: Vec<usize> = shown.iter().map(|column| natural[*column]).collect();
        narrow(&mut widths, screen.width);
        let mut text = String::new();
        let names = shown
            .iter()
            .map(|column| Cell::new(self.columns[*column].name));
        self.line(
            &mut text,
            &shown,
            &widths,
            &names.collect::<Vec<_>>(),
            screen,
        );
        for row in &self.rows {
            let cells: Vec<Cell> = shown.iter().map(|column| row[*column].clone()).collect();
            for cells in self.folded(&shown, &widths, cells) {
                self.line(&mut text, &shown, &widths, &cells, screen);
            }
        }
        let hidden = (0..self.columns.len()).filter(|column| !shown.contains(column));
        let hidden: Vec<&str> = hidden.map(|column| self.columns[column].name).collect();
        if !hidden.is_empty() {
            let note = format!("(-o wide has also {})", hidden.join(", "));
            text.push_str(&Tone::Faint.paint(&note, screen));
            text.push('\n');
        }
        text
    }

    /// How wide a column is when nothing of it is cut.
    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].text.width());
        let name = self.columns[column].name.width();
        cells.chain([name]).max().unwrap_or_default()
    }

    /// The columns that are shown at this width.
    fn shown(&self, natural: &[usize], width: Option<usize>) -> Vec<usize> {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let Some(width) = width else {
            return shown;
        };
        let total = |shown: &[usize]| -> usize {
            let gaps = GAP * shown.len().saturating_sub(1);
            shown.iter().map(|column| natural[*column]).sum::<usize>() + gaps
        };
        while total(&shown) > width {
            let ranked = shown.iter().enumerate();
            let ranked = ranked.filter(|(_, column)| self.columns[**column].rank > 0);
            let least = ranked.max_by_key(|(at, column)| (self.columns[**column].rank, *at));
            let Some((at, _)) = least else {
                break;
            };
            shown.remove(at);
        }
        shown
    }

    /// A row in as many lines as its last column takes, if that one is folded.
    fn folded(&self, shown: &[usize], widths: &[usize], cells: Vec<Cell>) -> Vec<Vec<Cell>> {
        let is_folded = shown
            .last()
            .is_some_and(|last| self.columns[*last].is_folded);
        let (true, Some(width), Some(last)) = (is_folded, widths.last(), cells.last()) else {
            return vec![cells];
        };
        let lines = wrap(&last.text, (*width).max(1)).into_iter().enumerate();
        let lines = lines.map(|(at, text)| {
            let mut line = match at {
                0 => cells.clone(),
                _ => vec![Cell::default(); cells.len()],
            };
            if let Some(cell) = line.last_mut() {
                cell.text = text;
            }
            line
        });
        lines.collect()
    }

    fn line(
        &self,
        text: &mut String,
        shown: &[usize],
        widths: &[usize],
        cells: &[Cell],
        screen: &Screen,
    ) {
        let mut line = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let cut = cut(&cell.text, widths[at]);
            let spaces = " ".repeat(widths[at].saturating_sub(cut.width()));
            let painted = cell.tone.paint(&cut, screen);
            if at > 0 {
                line.push_str(&" ".repeat(GAP));
            }
            if self.columns[shown[at]].is_number {
                line.push_str(&spaces);
                line.push_str(&painted);
            } else {
                line.push_str(&painted);
                line.push_str(&spaces);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// Takes from the widest column what is too much.
fn narrow(widths: &mut [usize], width: Option<usize>) {
    let Some(width) = width else {
        return;
    };
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let Some(widest) = widths.iter_mut().max() else {
            return;
        };
        if *widest <= NARROWEST {
            return;
        }
        *widest -= 1;
    }
}

/// A text in at most so many columns of a terminal.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut taken = 1;
    for character in text.chars() {
        taken += character.width().unwrap_or_default();
        if taken > width {
            break;
        }
        cut.push(character);
    }
    cut + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            Column::new("POD"),
            Column::new("NETWORK").rank(1),
            Column::new("DEVICES").number(),
            Column::new("STAGES").rank(2),
        ]);
        table.row([
            "a".into(),
            "telco/left".into(),
            "1".into(),
            "wait 3ms".into(),
        ]);
        let bad = Cell::new("evil\u{1b}[31m").toned(Tone::Bad);
        table.row([bad, "日本/網".into(), "12".into(), "".into()]);
        table
    }

    fn on(width: Option<usize>, is_coloured: bool) -> String {
        table().text(&Screen { width, is_coloured })
    }

    #[test]
    fn columns_are_aligned_and_the_least_important_go_first() {
        insta::assert_snapshot!(on(None, false), @r"
        POD        NETWORK     DEVICES  STAGES
        a          telco/left        1  wait 3ms
        evil [31m  日本/網          12  -
        ");
        insta::assert_snapshot!(on(Some(38), false), @r"
        POD        NETWORK     DEVICES
        a          telco/left        1
        evil [31m  日本/網          12
        (-o wide has also STAGES)
        ");
        insta::assert_snapshot!(on(Some(20), false), @r"
        POD        DEVICES
        a                1
        evil [31m       12
        (-o wide has also NETWORK, STAGES)
        ");
        insta::assert_snapshot!(on(Some(17), false), @r"
        POD       DEVICES
        a               1
        evil [3…       12
        (-o wide has also NETWORK, STAGES)
        ");
    }

    #[test]
    fn colours_are_not_counted() {
        let text = on(None, true);
        let line = text.lines().nth(2).unwrap();
        assert_eq!(line, "\u{1b}[31mevil [31m\u{1b}[0m  日本/網          12  -");
    }

    #[test]
    fn nothing_is_too_narrow() {
        for width in 0..60 {
            assert_eq!(on(Some(width), false).lines().count() / 3, 1);
        }
        assert_eq!(Table::new([]).text(&Screen::default()), "\n");
        assert!(Table::new([]).is_empty());
    }
}
