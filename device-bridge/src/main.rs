//! `polypod-device-bridge`: the process around the library.

use std::{
    io::{stdin, stdout},
    process::ExitCode,
};

use anyhow::{Result, anyhow};
use clap::Parser;
use device_bridge::{
    args::Args,
    config::{Config, Task},
    install, logging, resolve, serve,
    telemetry::{self, Telemetry},
};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // For whoever started it, and therefore no line of the log. Every error tells its causes itself.
            eprintln!("polypod-device-bridge: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    let Config {
        task,
        log_level,
        log_format,
    } = Config::try_from(args)?;
    if let Task::Enter(enter) = &task {
        return Err(enter.become_program().into());
    }
    // One thread is enough for a node's pods, and keeps memory small on every node of a cluster.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // What waits for a disk has a thread for the moment only.
        .thread_keep_alive(std::time::Duration::from_secs(1))
        .build()
        .map_err(|error| anyhow!("cannot start the async runtime: {error}"))?;
    let telemetry = match &task {
        Task::Serve(config) => {
            let _entered = runtime.enter();
            telemetry::begin(&config.telemetry)?
        }
        Task::Resolve(_)
        | Task::Install { .. }
        | Task::Restore(_)
        | Task::Uninstall(_)
        | Task::Enter(_) => None,
    };
    let tracer = telemetry.as_ref().map(Telemetry::tracer);
    logging::begin(log_level.as_deref(), log_format, tracer)?;
    // kube takes the process's provider, and would otherwise choose for us.
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a TLS crypto provider was installed before"))?;
    match task {
        Task::Serve(config) => runtime.block_on(async {
            let served = serve::run(config, &mut stdout()).await;
            if let Some(telemetry) = telemetry {
                // On another thread, because this one carries the connection to the collector.
                let _ended = tokio::task::spawn_blocking(move || telemetry.end()).await;
            }
            served
        })?,
        Task::Resolve(config) => {
            let request = resolve::read_request(&mut stdin().lock());
            runtime.block_on(resolve::run(config, request, &mut stdout()))?;
        }
        Task::Install { install, once } if once => {
            runtime.block_on(install::run::once(*install))?;
        }
        Task::Install { install, .. } => {
            runtime.block_on(serve::install_alone(*install, &mut stdout()))?;
        }
        Task::Restore(restore) => install::restore::run(&restore, &mut stdout())?,
        Task::Uninstall(uninstall) => runtime.block_on(serve::uninstall(&uninstall))?,
        Task::Enter(_) => {}
    }
    Ok(())
}
