//! Every command and flag, as the programs' own command lines have them.

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::page::{Page, code, words};

const ABOUT: &str = "\
Every command and flag of every program, from the programs' own command lines.
`--help` prints the same at a terminal, and `--version` the version.
A flag that can be given in the environment has its variable beside it; what is on the command line counts before that.
`polypod`, the CNI plugin, has no flags: the runtime tells it everything by its environment and standard input
([reference-configuration.md](reference-configuration.md)). `polypod --version` prints its version.
";

/// The programs with a command line.
pub(crate) fn programs() -> [Command; 3] {
    [
        cli::args::Arguments::command().bin_name("kubectl polypod"),
        webhook::args::Args::command(),
        device_bridge::args::Args::command(),
    ]
}

pub(super) fn are_those_of_the_programs() {
    let mut page = Page::new(
        "reference-flags.md",
        "Commands and flags",
        "references::the_flags_are_those_of_the_programs",
        ABOUT,
    );
    for mut program in programs() {
        // What clap adds by itself, such as the flags of all commands, is there once it is built.
        program.build();
        let name = program.get_bin_name().unwrap_or(program.get_name());
        let name = name.to_owned();
        describe(&mut page, &name, &program);
    }
    page.compare();
}

/// A section for the command, and for each of its own.
fn describe(page: &mut Page, name: &str, command: &Command) {
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    page.section(name, &paragraphs(&about));
    let commands: Vec<&Command> = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .collect();
    page.table(
        ["command", "does"],
        commands.iter().map(|command| {
            let about = command.get_about().map(ToString::to_string);
            [code(command.get_name()), words(&about.unwrap_or_default())]
        }),
    );
    let arguments = command.get_arguments().filter(|argument| is_told(argument));
    page.table(
        ["flag", "default", "variable", "meaning"],
        arguments.map(|argument| {
            [
                spelled(argument),
                default(argument),
                variable(argument),
                meaning(argument),
            ]
        }),
    );
    for command in commands {
        describe(page, &format!("{name} {}", command.get_name()), command);
    }
}

fn paragraphs(about: &str) -> String {
    let told: Vec<String> = about.split("\n\n").map(words).collect();
    told.join("\n\n")
}

/// Not what clap adds to every command, and nothing that is hidden on purpose.
fn is_told(argument: &Arg) -> bool {
    !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str())
}

/// The flag as it is written, with what follows it.
fn spelled(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let values: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let takes = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let values = if takes {
        values.join(" ")
    } else {
        String::new()
    };
    let several = argument
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1)
        || matches!(argument.get_action(), ArgAction::Append);
    // Some names say by themselves that there may be more.
    let more = if several && takes && !values.ends_with('…') {
        "…"
    } else {
        ""
    };
    let Some(long) = argument.get_long() else {
        let spelled = format!("{values}{more}");
        return match argument.is_required_set() {
            true => code(spelled),
            false => code(format!("[{spelled}]")),
        };
    };
    let short = argument.get_short().map(|short| format!("-{short}, "));
    let short = short.unwrap_or_default();
    let space = if values.is_empty() { "" } else { " " };
    let spelled = code(format!("{short}--{long}{space}{values}{more}"));
    let others = argument.get_visible_aliases().unwrap_or_default();
    others.iter().fold(spelled, |spelled, other| {
        format!("{spelled}, {}", code(format!("--{other}")))
    })
}

fn default(argument: &Arg) -> String {
    if !matches!(argument.get_action(), ArgAction::Set | ArgAction::Append) {
        return String::new();
    }
    let values = argument.get_default_values().iter();
    let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
    code(values.join(","))
}

fn variable(argument: &Arg) -> String {
    let variable = argument.get_env();
    variable.map_or_else(String::new, |name| code(name.to_string_lossy()))
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let id = argument.get_id();
    assert!(!help.is_empty(), "{id} says nothing of itself");
    let words = words(&help);
    let possible = argument.get_possible_values();
    let is_switch = !matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let values = possible.iter().filter(|value| !value.is_hide_set());
    let values: Vec<String> = values.map(|value| code(value.get_name())).collect();
    let values = values.join(", ");
    let required = if argument.is_required_set() {
        "; required"
    } else {
        ""
    };
    if is_switch || values.is_empty() || values == "`true`, `false`" {
        format!("{words}{required}")
    } else {
        format!("{words}: {values}{required}")
    }
}
