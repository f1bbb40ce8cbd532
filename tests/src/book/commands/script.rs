//! Commands as a shell reads them, as far as the book writes them.

/// Commands that hand on what they print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    /// The line of the script that it begins on, from 1.
    pub(super) line: usize,
    pub(super) stages: Vec<Stage>,
}

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stage {
    /// The program and its arguments, without quotes.
    pub(super) words: Vec<String>,
    /// The file that it reads instead of what is handed to it.
    pub(super) reads: Option<String>,
    /// The file that it writes into.
    pub(super) writes: Option<String>,
    /// What it reads that stands in the script itself.
    pub(super) here: Option<String>,
}

/// What begins a command and is none.
const KEYWORDS: [&str; 8] = ["do", "then", "else", "if", "while", "until", "!", "{"];

/// What stands where a command would, and has none behind it.
const ENDS: [&str; 5] = ["done", "fi", "}", "esac", ":"];

/// Every pipeline of a script, those within `$(…)` too.
pub(super) fn pipelines(script: &str) -> Vec<Pipeline> {
    let mut reader = Reader {
        rest: script,
        line: 1,
        ..Reader::default()
    };
    reader.read();
    reader.done
}

#[derive(Default)]
struct Reader<'s> {
    rest: &'s str,
    line: usize,
    word: Option<String>,
    stage: Stage,
    pipeline: Pipeline,
    /// What the next word is for.
    redirect: Option<Redirect>,
    /// How what stands in the script ends, until the line is through.
    here: Option<String>,
    done: Vec<Pipeline>,
}

#[derive(Clone, Copy)]
enum Redirect {
    From,
    To,
    Here,
    Nowhere,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn push(&mut self, c: char) {
        if self.word.is_none() && self.stage.words.is_empty() && self.pipeline.stages.is_empty() {
            self.pipeline.line = self.line;
        }
        self.word.get_or_insert_with(String::new).push(c);
    }

    fn read(&mut self) {
        while let Some(c) = self.next() {
            match c {
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => self.push(c),
                },
                '\'' => self.quoted('\''),
                '"' => self.quoted('"'),
                '$' if self.rest.starts_with('(') => self.substituted(),
                '#' if self.word.is_none() => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                }
                ' ' | '\t' => self.end_word(),
                '\n' => {
                    self.end_pipeline();
                    self.read_here();
                }
                ';' => self.end_pipeline(),
                '&' if self.rest.starts_with('>') => {}
                '&' => {
                    if self.rest.starts_with('&') {
                        self.next();
                    }
                    self.end_pipeline();
                }
                '|' if self.rest.starts_with('|') => {
                    self.next();
                    self.end_pipeline();
                }
                '|' => {
                    self.end_stage();
                    // What follows may stand on the next line.
                    while self.rest.starts_with([' ', '\n']) {
                        self.next();
                    }
                }
                // A command in the place of a file.
                '<' if self.rest.starts_with('(') => self.substituted(),
                '<' | '>' => self.redirected(c),
                c => self.push(c),
            }
        }
        self.end_pipeline();
    }

    fn quoted(&mut self, quote: char) {
        self.word.get_or_insert_with(String::new);
        while let Some(c) = self.next() {
            match c {
                c if c == quote => return,
                '\\' if quote == '"' && self.rest.starts_with(['"', '\\', '$', '\n']) => {
                    let escaped = self.next().filter(|c| *c != '\n');
                    escaped.into_iter().for_each(|c| self.push(c));
                }
                '$' if quote == '"' && self.rest.starts_with('(') => self.substituted(),
                c => self.push(c),
            }
        }
    }

    /// What is printed by another command, which is one of the script, too.
    fn substituted(&mut self) {
        let (line, begin) = (self.line, self.rest);
        let mut depth = 0_usize;
        while let Some(c) = self.next() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let inner = &begin[..begin.len() - self.rest.len()];
        let inner = inner.strip_prefix('(').unwrap_or(inner);
        let inner = inner.strip_suffix(')').unwrap_or(inner);
        for mut pipeline in pipelines(inner) {
            pipeline.line += line - 1;
            self.done.push(pipeline);
        }
        "PRINTED".chars().for_each(|c| self.push(c));
    }

    fn redirected(&mut self, c: char) {
        // The number of what is redirected is no word of the command.
        if self
            .word
            .as_deref()
            .is_some_and(|word| word.len() == 1 && word < ":")
        {
            self.word = None;
        }
        self.end_word();
        self.redirect = Some(match c {
            '<' if self.rest.starts_with('<') => {
                self.next();
                Redirect::Here
            }
            '<' => Redirect::From,
            _ => {
                if self.rest.starts_with('>') {
                    self.next();
                }
                if self.rest.starts_with('&') {
                    self.next();
                    Redirect::Nowhere
                } else {
                    Redirect::To
                }
            }
        });
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        match self.redirect.take() {
            Some(Redirect::From) => self.stage.reads = Some(word),
            Some(Redirect::To) => self.stage.writes = Some(word),
            Some(Redirect::Here) => self.here = Some(word),
            Some(Redirect::Nowhere) => {}
            None if self.stage.words.is_empty() && is_no_command(&word) => {}
            None => self.stage.words.push(word),
        }
    }

    fn end_stage(&mut self) {
        self.end_word();
        let stage = std::mem::take(&mut self.stage);
        let is_head = stage
            .words
            .first()
            .is_some_and(|word| word == "for" || word == "export");
        if !stage.words.is_empty() && !is_head {
            self.pipeline.stages.push(stage);
        }
    }

    fn end_pipeline(&mut self) {
        self.end_stage();
        let pipeline = std::mem::take(&mut self.pipeline);
        if !pipeline.stages.is_empty() {
            self.done.push(pipeline);
        }
    }

    /// What stands in the script for the command of the line before.
    fn read_here(&mut self) {
        let Some(end) = self.here.take() else {
            return;
        };
        let mut text = String::new();
        while !self.rest.is_empty() {
            let line: String = self.rest.lines().next().unwrap_or_default().to_owned();
            for _ in 0..=line.chars().count() {
                self.next();
            }
            if line.trim() == end {
                break;
            }
            text.push_str(&line);
            text.push('\n');
        }
        let stages = self.done.last_mut().map(|pipeline| &mut pipeline.stages);
        if let Some(stage) = stages.and_then(|stages| stages.first_mut()) {
            stage.here = Some(text);
        }
    }
}

/// Words of the shell, and variables that are set for the command behind them.
fn is_no_command(word: &str) -> bool {
    let sets = word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    sets || KEYWORDS.contains(&word) || ENDS.contains(&word)
}

pub(super) fn are_read_as_a_shell_reads_them() {
    let told = |script: &str| -> Vec<String> {
        let pipelines = pipelines(script);
        let told = pipelines.iter().map(|pipeline| {
            let stages: Vec<String> = pipeline
                .stages
                .iter()
                .map(|stage| {
                    let files = [
                        (&stage.reads, "<"),
                        (&stage.writes, ">"),
                        (&stage.here, "<<"),
                    ];
                    let files = files
                        .iter()
                        .filter_map(|(file, sign)| Some((file.as_ref()?, sign)));
                    let files: String = files
                        .map(|(file, sign)| format!(" {sign}[{file}]"))
                        .collect();
                    format!("[{}]{files}", stage.words.join("]["))
                })
                .collect();
            format!("{}: {}", pipeline.line, stages.join(" | "))
        });
        told.collect()
    };
    for (script, wanted) in [
        ("a b  c # d\n\ne", &["1: [a][b][c]", "3: [e]"][..]),
        ("a \\\n  b\nc", &["1: [a][b]", "3: [c]"]),
        (
            "a 'b \"c' \"d 'e\" \"f\\\"g\" h\\ i",
            &["1: [a][b \"c][d 'e][f\"g][h i]"],
        ),
        (
            "a | b |\n  c && d; e & f",
            &["1: [a] | [b] | [c]", "2: [d]", "2: [e]", "2: [f]"],
        ),
        ("A=1 B=\"x y\" c D=2", &["1: [c][D=2]"]),
        (
            "a $(b c) \"$(d)\"",
            &["1: [b][c]", "1: [d]", "1: [a][PRINTED][PRINTED]"],
        ),
        ("a <(b c) d", &["1: [b][c]", "1: [a][PRINTED][d]"]),
        ("X=$(a | b)", &["1: [a] | [b]"]),
        ("a > b < c 2> d", &["1: [a] <[c] >[d]"]),
        ("a 2>&1 | b", &["1: [a] | [b]"]),
        (
            "a -f - <<'YAML'\nb: 1 | 2\nYAML\nc",
            &["1: [a][-f][-] <<[b: 1 | 2\n]", "4: [c]"],
        ),
        (
            "for x in a b; do\n  c $x\n  for y in N; do d; done\ndone",
            &["2: [c][$x]", "3: [d]"],
        ),
        ("a '{\"b\": [1]}'", &["1: [a][{\"b\": [1]}]"]),
    ] {
        assert_eq!(told(script), wanted, "{script}");
    }
}
