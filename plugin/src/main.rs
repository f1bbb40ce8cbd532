//! `polypod`, executed by the container runtime: environment and standard input in, one JSON on standard output out.

use std::{
    io::{Read, Write},
    path::Path,
    process::ExitCode,
};

use plugin::{error::Error, hand_over, log, passthru, run};

/// musl's own allocator gives every page back at once, which here costs more than all the work in between.
#[global_allocator]
static MEMORY: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--version")
    {
        println!("polypod {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    if let Some(done) = compress() {
        return done;
    }
    // A configuration is read in one piece as a rule.
    let mut stdin = Vec::with_capacity(8 << 10);
    let read = std::io::stdin()
        .lock()
        .read_to_end(&mut stdin)
        .map(|_| stdin);
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == spec::hand_over::COMMAND)
    {
        return hand_over(read);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let outcome = if is_passthru() {
        passthru::run(variable, read)
    } else {
        run::run(variable, read)
    };
    let written = std::io::stdout()
        .lock()
        .write_all(outcome.stdout.as_bytes());
    if outcome.success && written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What the installer asks for when a node goes back to Multus.
fn hand_over(stdin: std::io::Result<Vec<u8>>) -> ExitCode {
    let done = stdin
        .map_err(Error::Stdin)
        .and_then(|stdin| hand_over::run(&stdin));
    match done {
        Ok(done) => {
            println!("{}", serde_json::json!(done));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("polypod: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The part of this executable that a rotation of its log starts beside it.
fn compress() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != log::COMPRESS {
        return None;
    }
    let done = arguments.next().map(|file| log::compress(Path::new(&file)));
    Some(match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(_)) | None => ExitCode::FAILURE,
    })
}

/// Whether the executable was called by the name of the plugin that makes nothing.
fn is_passthru() -> bool {
    std::env::args_os()
        .next()
        .is_some_and(|own| Path::new(&own).file_name() == Some(passthru::NAME.as_ref()))
}
