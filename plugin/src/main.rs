//! `polypod`, executed by the container runtime: environment and standard input in, one JSON on standard output out.

use std::{
    io::{Read, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--version")
    {
        println!("polypod {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let mut stdin = Vec::new();
    let read = std::io::stdin()
        .lock()
        .read_to_end(&mut stdin)
        .map(|_| stdin);
    let outcome = plugin::run::run(|name| std::env::var(name).ok(), read);
    let written = std::io::stdout()
        .lock()
        .write_all(outcome.stdout.as_bytes());
    if outcome.success && written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
