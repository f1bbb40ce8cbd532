//! `kubectl-polypod completions`: what a shell completes words by.
//!
//! A shell that is told of it completes `kubectl-polypod`. kubectl completes its plugins by itself: for `kubectl polypod` it
//! executes a program `kubectl_complete-polypod` with the words so far, the last of which is the one to complete, and reads
//! what cobra's completions print. This program is that one, too, under that name.

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Command;
use clap_complete::{Shell, engine};

/// The name under which kubectl looks for whoever completes `kubectl polypod`.
const ASKED_BY_KUBECTL: &str = "kubectl_complete-polypod";

/// cobra's ShellCompDirectiveNoFileComp: these words, and no files.
const NO_FILES: u8 = 4;

/// cobra's ShellCompDirectiveDefault: files, where there are no words.
const DEFAULT: u8 = 0;

/// The arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Supported,
}

/// The shells that there are completions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Supported {
    Bash,
    Zsh,
    Fish,
}

/// Prints the completions of a command.
///
/// # Errors
/// Standard output cannot be written to.
pub fn run(arguments: &CompletionsArgs, command: Command) -> Result<ExitCode> {
    let script = script(arguments.shell, command);
    io::stdout()
        .write_all(&script)
        .context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Supported, mut command: Command) -> Vec<u8> {
    let shell = match shell {
        Supported::Bash => Shell::Bash,
        Supported::Zsh => Shell::Zsh,
        Supported::Fish => Shell::Fish,
    };
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

/// Answers kubectl, if it is kubectl that executes this.
#[must_use]
pub fn run_for_kubectl(command: impl FnOnce() -> Command) -> Option<ExitCode> {
    let mut words = env::args_os();
    let program = words.next()?;
    if Path::new(&program).file_name() != Some(OsStr::new(ASKED_BY_KUBECTL)) {
        return None;
    }
    let answer = answer(command(), words.collect());
    let written = io::stdout().write_all(answer.as_bytes());
    Some(ExitCode::from(u8::from(written.is_err())))
}

/// A word and what it means on each line, and at the end what the shell is to do with them.
fn answer(mut command: Command, words: Vec<OsString>) -> String {
    let mut arguments: Vec<OsString> = vec![command.get_name().into()];
    arguments.extend(words);
    if arguments.len() == 1 {
        arguments.push(OsString::new());
    }
    let last = arguments.len() - 1;
    let folder = env::current_dir().ok();
    let candidates = engine::complete(&mut command, arguments, last, folder.as_deref());
    let candidates = candidates.unwrap_or_default();
    let mut lines = String::new();
    for candidate in &candidates {
        // What is no UTF-8 cannot be in a line.
        let Some(value) = candidate.get_value().to_str() else {
            continue;
        };
        let help = candidate.get_help().map(ToString::to_string);
        let help = help.as_deref().and_then(|help| help.lines().next());
        match help {
            Some(help) => lines.push_str(&format!("{value}\t{help}\n")),
            None => lines.push_str(&format!("{value}\n")),
        }
    }
    let directive = if lines.is_empty() { DEFAULT } else { NO_FILES };
    lines + &format!(":{directive}\n")
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        let output = Arg::new("output").short('o').long("output");
        let output = output.value_parser(["table", "json"]);
        Command::new("kubectl-polypod")
            .subcommand(Command::new("doctor").about("Check.").arg(output))
            .subcommand(Command::new("demo").about("Show."))
    }

    fn answered(words: &[&str]) -> String {
        answer(command(), words.iter().map(OsString::from).collect())
    }

    #[test]
    fn kubectl_is_answered_as_cobra_does() {
        assert_eq!(answered(&["do"]), "doctor\tCheck.\n:4\n");
        assert_eq!(answered(&["d"]), "doctor\tCheck.\ndemo\tShow.\n:4\n");
        assert_eq!(answered(&["doctor", "-o", ""]), "table\njson\n:4\n");
        assert_eq!(answered(&["doctor", "-o", "j"]), "json\n:4\n");
        assert_eq!(answered(&["nothing-of-that-name"]), ":0\n");
        assert!(answered(&[]).contains("doctor\tCheck.\n"));
    }

    #[test]
    fn every_shell_has_every_command() {
        for shell in [Supported::Bash, Supported::Zsh, Supported::Fish] {
            let script = String::from_utf8(script(shell, command())).unwrap();
            for word in ["kubectl-polypod", "doctor", "demo", "output"] {
                assert!(script.contains(word), "{shell:?} lacks {word}");
            }
        }
    }
}
