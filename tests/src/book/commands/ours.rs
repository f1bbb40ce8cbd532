//! Commands of our own, as the programs' command lines take them.

use clap::{Arg, ArgAction, Command, error::ErrorKind};

use crate::references::flags;

/// The program of people.
pub(super) const CLI: &str = "kubectl-polypod";

/// The program of a command, if it is one of ours, and what it is told. `cargo run --release --` is the first of them.
pub(super) fn program(words: &[String]) -> Option<(&'static str, &[String])> {
    let words = match words {
        // On a machine that is reached otherwise, or with other rights.
        [sudo, rest @ ..] if sudo == "sudo" => rest,
        words => words,
    };
    match words {
        [first, second, rest @ ..] if first == "kubectl" && second == "polypod" => {
            Some((CLI, rest))
        }
        [first, second, rest @ ..] if first == "cargo" && second == "run" => {
            let end = rest.iter().position(|word| word == "--")?;
            Some((CLI, &rest[end + 1..]))
        }
        [first, rest @ ..] => {
            let name = first.rsplit('/').next().unwrap_or(first);
            let known = [CLI, "polypod-webhook", "polypod-device-bridge", "polypod"];
            let program = known.into_iter().find(|program| *program == name)?;
            Some((program, rest))
        }
        [] => None,
    }
}

/// Whether these words are about one of ours.
pub(super) fn is_ours(words: &[String]) -> bool {
    program(words).is_some()
}

fn command(program: &str) -> Option<Command> {
    flags::programs()
        .into_iter()
        .find(|command| command.get_name() == program)
}

/// What the program itself would say against a whole command.
pub(super) fn problems(words: &[String]) -> Vec<String> {
    let Some((program, arguments)) = program(words) else {
        return Vec::new();
    };
    let Some(command) = command(program) else {
        return of_the_plugin(arguments);
    };
    let all =
        std::iter::once(program.to_owned()).chain(arguments.iter().map(|word| variable(word)));
    match command.try_get_matches_from(all) {
        Ok(_) => Vec::new(),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Vec::new(),
            _ => {
                let told = error.to_string();
                vec![told.lines().next().unwrap_or_default().to_owned()]
            }
        },
    }
}

/// A variable of the reader as a word that any flag takes.
fn variable(word: &str) -> String {
    if word.starts_with('$') {
        "value".to_owned()
    } else {
        word.to_owned()
    }
}

/// The same of a part of a command, as sentences have it: what is named is there.
pub(super) fn problems_of_a_part(words: &[String]) -> Vec<String> {
    let Some((program, arguments)) = program(words) else {
        return Vec::new();
    };
    let Some(mut command) = command(program) else {
        return of_the_plugin(arguments);
    };
    command.build();
    let mut at = &command;
    let mut problems = Vec::new();
    let mut is_value = false;
    for word in arguments {
        if let Some(flag) = word.strip_prefix("--") {
            let flag = flag.trim_end_matches('…');
            let name = flag.split('=').next().unwrap_or(flag);
            let found = find(at, name);
            if found.is_none() && !["help", "version", ""].contains(&name) {
                problems.push(format!("there is no flag --{name}"));
            }
            let takes = found.is_some_and(|argument| {
                matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
            });
            is_value = takes && !flag.contains('=');
        } else if word.starts_with('-') {
            is_value = true;
        } else if std::mem::take(&mut is_value) || !at.has_subcommands() {
            // A value, or what a command is about.
        } else if let Some(found) = at.find_subcommand(word) {
            at = found;
        } else if word.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
            problems.push(format!("there is no command {word}"));
        }
    }
    problems
}

fn find<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|argument| {
        argument.get_long() == Some(name)
            || argument
                .get_all_aliases()
                .is_some_and(|aliases| aliases.contains(&name))
    })
}

/// The plugin has no command line but these.
fn of_the_plugin(arguments: &[String]) -> Vec<String> {
    let known = ["--version", "--compress-log", spec::hand_over::COMMAND];
    match arguments.first() {
        Some(first) if !known.contains(&first.as_str()) => {
            vec![format!("polypod takes no {first}")]
        }
        _ => Vec::new(),
    }
}
