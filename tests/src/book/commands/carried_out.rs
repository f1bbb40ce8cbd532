//! Commands of the book that are carried out, in a copy of what they name.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::{
    assert_none,
    block::{Block, Language},
    commands,
    fate::{Fate, fate},
    ours,
    script::{Pipeline, Stage},
    shown,
};
use crate::fixture::binaries::{self, workspace};

/// What the reader of a page has beside the repository, by its name.
const FILES: &str = "tests/src/book/files";

/// What he has in his cluster: what a command that needs one hands on.
const CLUSTER: &str = "cluster.yaml";

pub(super) fn without_a_cluster() {
    carry_out(Fate::CarriedOut, 12);
}

pub(super) fn in_namespaces() {
    carry_out(Fate::CarriedOutInNamespaces, 2);
}

/// Carries out every pipeline whose own command has this fate; there are at least so many, which is how many there were when this
/// was written: a command that the book loses is taken away here, too.
fn carry_out(wanted: Fate, at_least: usize) {
    let folder = copy();
    let (mut wrong, mut done) = (Vec::new(), BTreeMap::new());
    for (block, pipeline) in commands() {
        write_down(&pipeline, folder.path());
        let is_wanted = pipeline.stages.iter().any(|stage| fate(stage) == wanted);
        if !is_wanted {
            continue;
        }
        let place = format!("{}:{}", block.page, block.line + pipeline.line);
        let told = told(&pipeline);
        // What was carried out once is the same elsewhere, unless that shows what it prints.
        let shows = block.language == Language::Console;
        if done.contains_key(&told) && !shows {
            continue;
        }
        match run(
            &pipeline,
            wanted,
            promised(&block, pipeline.line),
            folder.path(),
        ) {
            Ok(printed) => {
                println!("{place}: {told}");
                if shows && let Some(problem) = is_as_shown(&block, &pipeline, &printed) {
                    wrong.push(format!("{place}: {told}: {problem}"));
                }
            }
            Err(problem) => wrong.push(format!("{place}: {told}: {problem}")),
        }
        done.insert(told, place);
    }
    assert!(done.len() >= at_least, "commands are carried out: {done:?}");
    assert_none(&wrong, "commands do not do what the book says");
}

/// What a page has its reader write into a file, and what kubectl would.
fn write_down(pipeline: &Pipeline, folder: &Path) {
    for stage in &pipeline.stages {
        let Some(file) = stage.writes.as_deref().filter(|file| is_of_the_copy(file)) else {
            continue;
        };
        let text = match (stage.words.first().map(String::as_str), &stage.here) {
            (Some("cat"), Some(text)) => text.clone(),
            (Some("kubectl"), _) if !ours::is_ours(&stage.words) => of_the_cluster(file, folder),
            _ => continue,
        };
        fs::write(folder.join(file), text).expect("the folder is ours");
    }
}

/// The reader's cluster, as kubectl prints it into a file of this name.
fn of_the_cluster(file: &str, folder: &Path) -> String {
    let text = fs::read_to_string(folder.join(CLUSTER)).expect("the file is there");
    if !file.ends_with(".json") {
        return text;
    }
    let value: serde_json::Value = serde_yaml_ng::from_str(&text).expect("it is YAML");
    value.to_string()
}

/// Whether a file is one of the copy, and not of this machine.
fn is_of_the_copy(file: &str) -> bool {
    !file.starts_with(['/', '~', '$']) && !file.contains("..")
}

fn told(pipeline: &Pipeline) -> String {
    let stages = pipeline.stages.iter().map(|stage| stage.words.join(" "));
    stages.collect::<Vec<_>>().join(" | ")
}

/// What the repository has that commands read, and the reader's own files.
fn copy() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (from, to) in [("manifests", "manifests"), (FILES, "")] {
        copied(&workspace().join(from), &folder.path().join(to));
    }
    folder
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder is ours");
    for entry in fs::read_dir(from).expect("it is there").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copied(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a file can be copied");
        }
    }
}

/// What the commands print that are carried out. The last of them decides; the others must have done it.
struct Printed {
    text: String,
    /// Whether the last command of the pipeline has printed it.
    is_last: bool,
}

/// What a page writes behind a command that ends with another code than 0.
const EXIT_CODE: &str = "# exit code ";

/// The exit code that a page promises of the command that begins on this line of the block, from 1.
fn promised(block: &Block, line: usize) -> i32 {
    let lines = block.lines[line - 1..].iter();
    let mut ended = false;
    let mut lines = lines.take_while(|line| !std::mem::replace(&mut ended, !line.ends_with('\\')));
    let code = lines.find_map(|line| line.split_once(EXIT_CODE)?.1.trim().parse().ok());
    code.unwrap_or(0)
}

/// Carries out the commands of a pipeline that have this fate; the last of it ends with this code, the others with 0.
fn run(pipeline: &Pipeline, wanted: Fate, code: i32, folder: &Path) -> Result<Printed, String> {
    let mut handed = Vec::new();
    let mut printed = Printed {
        text: String::new(),
        is_last: false,
    };
    for (at, stage) in pipeline.stages.iter().enumerate() {
        if fate(stage) != wanted {
            // What it would hand on is what the reader has; what it would do to what it is handed is its own.
            if handed.is_empty() {
                handed = fs::read(folder.join(CLUSTER)).expect("the file is there");
            }
            printed.is_last = false;
            continue;
        }
        let output = executed(stage, &handed, folder)?;
        let [stdout, stderr] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        let promised = if at == pipeline.stages.len() - 1 {
            code
        } else {
            0
        };
        if output.status.code() != Some(promised) {
            return Err(format!(
                "the page promises exit code {promised} (\"{EXIT_CODE}N\" behind the command says another), and it ended with {}: {stdout}{stderr}",
                output.status
            ));
        }
        if let Some(file) = stage.writes.as_deref().filter(|file| is_of_the_copy(file)) {
            fs::write(folder.join(file), &stdout).expect("the folder is ours");
        }
        handed = output.stdout;
        printed = Printed {
            text: format!("{stdout}{stderr}"),
            is_last: true,
        };
    }
    Ok(printed)
}

fn executed(stage: &Stage, handed: &[u8], folder: &Path) -> Result<Output, String> {
    let (program, arguments) = ours::program(&stage.words).ok_or("it is not ours")?;
    let mut child = Command::new(binaries::path(program))
        .args(arguments)
        .current_dir(folder)
        .env("KUBECONFIG", "/does/not/exist")
        .env("HOME", folder)
        .env("COLUMNS", "120")
        .env_remove("CARGO")
        .env_remove("CARGO_MANIFEST_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program} cannot be executed: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("it has no standard input")?;
    let handed = match (&stage.here, &stage.reads) {
        (Some(here), _) => here.clone().into_bytes(),
        (None, Some(file)) => {
            fs::read(folder.join(file)).map_err(|error| format!("{file}: {error}"))?
        }
        (None, None) => handed.to_vec(),
    };
    // In a thread: it may print before it has read all, and need not read at all.
    let writer = std::thread::spawn(move || stdin.write_all(&handed));
    let output = child.wait_with_output().map_err(|error| error.to_string());
    let _not_all_read = writer.join();
    output
}

/// What differs between what a block shows below its command and what was printed.
fn is_as_shown(block: &Block, pipeline: &Pipeline, printed: &Printed) -> Option<String> {
    if !printed.is_last {
        return None;
    }
    let shown = shown::below(block, pipeline.line);
    if shown.is_empty() {
        return None;
    }
    shown::difference(&shown, &printed.text)
}

pub(super) fn exit_codes_stand_behind_commands() {
    let text = "lint -f a # exit code 1\nlint -f b\nlint \\\n  -f c   # exit code 2\nlint -f d # exit code soon\nlint \\";
    let block = Block {
        page: "page".to_owned(),
        line: 1,
        language: Language::Shell,
        lines: text.lines().map(str::to_owned).collect(),
    };
    let codes = [1, 2, 3, 5, 6].map(|line| promised(&block, line));
    assert_eq!(codes, [1, 0, 2, 0, 0]);
}
