//! `polypod-webhook`: reads the command line, sets up the process, serves.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use rustls::crypto::CryptoProvider;
use webhook::{args::Args, config::Config, logging, run::run, traces::Traces};

/// musl's own allocator halves the rate of a webhook on one connection and quarters it on sixteen.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Where the kernel gives huge pages to everybody, half of the memory would be parts of them that nobody uses. Whoever
    // cannot say no to them runs as well.
    let _larger_otherwise = rustix::thread::disable_transparent_huge_pages(true);
    let config = match Config::try_from(Args::parse()) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    if let Err(error) = logging::begin(config.log_level.as_deref()) {
        return refuse(&error);
    }
    // kube takes the process's default. Nobody can have set one before the first line of `main`.
    let _nobody_was_first = CryptoProvider::clone(&certs::tls::provider()).install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let telemetry = {
        let _entered = runtime.enter();
        match Traces::begin(&config.telemetry) {
            Ok(telemetry) => telemetry,
            Err(error) => return refuse(&error),
        }
    };
    let traces = Traces::of(telemetry.as_ref());
    let ended = runtime.block_on(run(config, traces));
    if let Some(telemetry) = telemetry {
        // The runtime's own threads carry the connection to the collector.
        telemetry.end();
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    tracing::error!(error = told(error), "Webhook ended");
    ExitCode::FAILURE
}

/// The error and its causes; many errors tell their cause themselves, and nobody wants to read it twice.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |told, cause| {
        let cause = cause.to_string();
        match told.as_str() {
            "" => cause,
            told if told.contains(&cause) => told.to_owned(),
            told => format!("{told}: {cause}"),
        }
    })
}

/// As clap does for arguments that it refuses itself.
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}
