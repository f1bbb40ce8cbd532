//! `kubectl-polypod demo`: one pod all the way, with the real programs and without a cluster.
//!
//! The API server, the kubelet, the container runtime and, where they are not installed, the CNI plugins are played by
//! modules of that name. Webhook, device-bridge and plugin are executed as they would be in a cluster.

mod acts;
mod allocation;
mod api_server;
mod binaries;
mod daemon;
mod deadline;
mod delegate;
mod expectation;
mod folder;
mod interfaces;
mod interrupt;
mod kubelet;
mod leases;
mod netlink;
mod netns;
mod node;
mod obstacle;
mod plugins;
mod pod_file;
mod pod_resources;
mod program;
mod review;
mod runtime;
mod transcript;
mod virtual_functions;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Result;

use self::{
    acts::{Ending, Scene, play},
    binaries::Binaries,
    folder::{Folder, files_below},
    transcript::Transcript,
};

/// Lines of a log that are shown after a failure.
const LOG_TAIL: usize = 15;

/// The arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// A pod of your own (YAML or JSON) in the place of the demo's; a wrong one shows how it is refused.
    ///
    /// The networks it can select are default/macvlan-conf and default/sriov-net-a.
    #[arg(long, value_name = "FILE")]
    pod: Option<PathBuf>,
    /// Leave the temporary folder, with the logs, where it is.
    #[arg(long)]
    keep: bool,
    /// Leave the CNI reference plugins of this machine alone and use the demo's stand-ins.
    #[arg(long)]
    stand_ins: bool,
}

/// If this process was executed as one of the demo's stand-in CNI plugins, is that plugin.
#[must_use]
pub fn run_as_delegate() -> Option<ExitCode> {
    delegate::run()
}

/// Runs the demo. It succeeds only if every check was true; a refused pod is exit code 1.
///
/// It moves the process into namespaces of its own, so the process can do nothing else afterwards and must have one
/// thread only.
///
/// # Errors
/// The demo cannot begin: the pod's file cannot be read, a program is missing, or the system gives no namespaces.
pub fn run(arguments: &DemoArgs) -> Result<ExitCode> {
    let pod = pod_file::read(arguments.pod.as_deref())?;
    let mut out = Transcript::stdout();
    out.heading(
        "The programs",
        "These are the real ones, as they would be installed. Everything around them is played by the demo.",
    );
    let binaries = Binaries::find()?;
    out.block(
        [&binaries.webhook, &binaries.device_bridge, &binaries.plugin]
            .map(|path| path.display().to_string()),
    );

    out.heading(
        "The node",
        "An empty network namespace of the demo's own plays the node: nothing of this machine's network is touched.",
    );
    let how = node::enter()?;
    interrupt::listen()?;
    let folder = Folder::create()?;
    out.say(&format!(
        "It was made {how}. All files lie in {}.",
        folder.root().display()
    ));
    let scene = Scene {
        binaries: &binaries,
        folder: &folder,
        pod: &pod,
        brought: arguments.pod.is_some(),
        only_stand_ins: arguments.stand_ins,
    };
    let ending = play(&scene, &mut out);
    if let Err(error) = &ending {
        out.failure(error);
    }
    if !out.all_true() {
        show_logs(&folder, &mut out);
    }
    clean_up(folder, arguments.keep, &mut out);
    out.tally();
    let good = out.all_true() && matches!(ending, Ok(Ending::Complete));
    if matches!(ending, Ok(Ending::Denied)) && out.all_true() {
        out.say("The pod was refused, so there was nothing to attach: exit code 1.");
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn show_logs(folder: &Folder, out: &mut Transcript) {
    for file in files_below(&folder.at("logs")).unwrap_or_default() {
        let text = fs::read_to_string(folder.at("logs").join(&file)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        out.say(&format!("The end of {file}:"));
        out.block(&lines[lines.len().saturating_sub(LOG_TAIL)..]);
    }
}

fn clean_up(folder: Folder, keep: bool, out: &mut Transcript) {
    if keep {
        let kept = folder.keep();
        out.say(&format!("The folder was kept: {}", kept.display()));
        return;
    }
    let root = folder.root().to_owned();
    if let Err(error) = folder.remove() {
        out.failure(&error);
    }
    out.check("the temporary folder is gone", true, !root.exists());
}
