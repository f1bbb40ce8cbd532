//! Executes one plugin of a delegate for one verb.

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use spec::cni::{self, Command, InterfaceName, Invocation, NetworkConf, PluginType};

use crate::{
    error::{DelegateProblem, Error},
    process::{self, Unfinished},
};

/// What stays the same for all plugins of a sandbox.
#[derive(Clone, Debug)]
pub struct Executor {
    /// The sandbox.
    pub container_id: String,
    /// Its network namespace; DEL may come without it.
    pub netns: Option<String>,
    /// The folders with plugins, in order.
    pub path: Vec<String>,
    /// How long one plugin may take.
    pub deadline: Duration,
}

/// One execution of a plugin.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The verb.
    pub command: Command,
    /// The network's name for people.
    pub network: &'a str,
    /// `CNI_IFNAME`.
    pub interface: &'a InterfaceName,
    /// `CNI_ARGS`.
    pub args: &'a str,
    /// The plugin.
    pub plugin: &'a PluginType,
    /// Its configuration.
    pub stdin: &'a str,
}

impl Executor {
    /// For the sandbox of `invocation`; `bin_dir` is searched first, as Multus does it.
    #[must_use]
    pub fn new(invocation: &Invocation, bin_dir: &str, deadline: Duration) -> Self {
        let first = bin_dir
            .split(':')
            .filter(|folder| !folder.is_empty())
            .map(str::to_owned);
        Self {
            container_id: invocation.container_id.to_string(),
            netns: invocation.netns.clone(),
            path: first.chain(invocation.path.iter().cloned()).collect(),
            deadline,
        }
    }

    /// Checks that every plugin of `conf` is there, before anything is attached.
    ///
    /// # Errors
    /// The first one that is missing.
    pub fn check_plugins(&self, network: &str, conf: &NetworkConf) -> Result<(), Error> {
        conf.plugins()
            .iter()
            .try_for_each(|plugin| self.find(network, plugin.plugin_type()).map(drop))
    }

    /// Executes a plugin and gives back what it printed.
    ///
    /// # Errors
    /// It is missing, fails, or hangs.
    pub fn execute(&self, call: &Call<'_>) -> Result<String, Error> {
        let program = self.find(call.network, call.plugin)?;
        let path = self.path.join(":");
        let environment = [
            ("CNI_COMMAND", call.command.as_str()),
            ("CNI_CONTAINERID", &self.container_id),
            ("CNI_NETNS", self.netns.as_deref().unwrap_or_default()),
            ("CNI_IFNAME", call.interface.as_str()),
            ("CNI_ARGS", call.args),
            ("CNI_PATH", &path),
        ];
        let finished = process::run(
            &program,
            &[],
            environment,
            call.stdin.as_bytes(),
            self.deadline,
        )
        .map_err(|unfinished| call.failed(self.unfinished(unfinished)))?;
        if finished.status.success() {
            return Ok(String::from_utf8_lossy(&finished.stdout).into_owned());
        }
        Err(call.failed(said(finished.status, &finished.stdout, &finished.stderr)))
    }

    fn unfinished(&self, unfinished: Unfinished) -> DelegateProblem {
        match unfinished {
            Unfinished::Io(error) => DelegateProblem::Exec(error),
            Unfinished::Hung => DelegateProblem::Hung {
                seconds: self.deadline.as_secs(),
            },
        }
    }

    fn find(&self, network: &str, plugin: &PluginType) -> Result<PathBuf, Error> {
        self.path
            .iter()
            .map(|folder| Path::new(folder).join(plugin.as_str()))
            .find(|program| program.is_file())
            .ok_or_else(|| Error::NoPlugin {
                network: network.to_owned(),
                plugin: plugin.clone(),
                searched: self.path.join(", "),
            })
    }
}

impl Call<'_> {
    /// An error of this call.
    #[must_use]
    pub fn failed(&self, problem: DelegateProblem) -> Error {
        Error::Delegate {
            network: self.network.to_owned(),
            interface: self.interface.clone(),
            plugin: self.plugin.clone(),
            verb: self.command.as_str(),
            problem: Box::new(problem),
        }
    }
}

/// The CNI error a plugin printed, or what can be said without one.
fn said(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> DelegateProblem {
    match serde_json::from_slice::<cni::Error>(stdout) {
        Ok(error) => DelegateProblem::Said(error),
        Err(_) => {
            let output = if stderr.is_empty() { stdout } else { stderr };
            DelegateProblem::Status {
                status: status.to_string(),
                output: tail(output),
            }
        }
    }
}

/// The end of an output, where a program says why it fails.
fn tail(output: &[u8]) -> String {
    const SHOWN: usize = 500;
    let from = output.len().saturating_sub(SHOWN);
    String::from_utf8_lossy(&output[from..]).trim().to_owned()
}
