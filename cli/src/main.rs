//! `kubectl-polypod`: parses the command line, runs the command, prints the error.
//!
//! Under another name and with `CNI_COMMAND` set it is one of the demo's stand-in CNI plugins.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use cli::{
    args::{Arguments, Command},
    completions, demo, doctor, get, lint, man, map, policies, render, status, top, why,
};

fn main() -> ExitCode {
    if let Some(code) = demo::run_as_delegate() {
        return code;
    }
    if let Some(code) = completions::run_for_kubectl(Arguments::command) {
        return code;
    }
    let result = match Arguments::parse().command {
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Get(arguments) => get::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Man(arguments) => man::run(&arguments, Arguments::command()),
        Command::Map(arguments) => map::run(&arguments),
        Command::Policies(arguments) => policies::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Why(arguments) => why::run(&arguments),
    };
    result.unwrap_or_else(|error| {
        // What objects and servers say may hold anything; lines stay lines.
        let text = format!("{error:#}");
        let text = text.replace(|c: char| c.is_control() && c != '\n', " ");
        eprintln!("error: {text}");
        // As for arguments that clap refuses: nothing was carried out.
        ExitCode::from(2)
    })
}
