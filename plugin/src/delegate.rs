//! Executes one plugin of a delegate for one verb.

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    time::{Duration, Instant},
};

use spec::{
    TraceContext,
    cni::{
        self, Command, ContainerId, InterfaceName, Invocation, NetworkConf, PluginConf, PluginType,
    },
};

use crate::{
    add_trace::AddTrace,
    deadline,
    error::{DelegateProblem, Error},
    net_conf::State,
    passthru,
    process::{self, Unfinished},
};

/// What stays the same for all plugins of a verb.
#[derive(Clone, Debug)]
pub struct Executor {
    /// The sandbox; none for the verbs about a network as a whole.
    pub sandbox: Option<Sandbox>,
    /// The folders with plugins, in order.
    pub path: Vec<String>,
    /// How long one plugin may take.
    pub delegate_timeout: Duration,
    /// When the last one must have ended.
    pub until: Instant,
    /// The trace that they are in; where there is none, they inherit what the runtime says of its own.
    pub trace: Option<AddTrace>,
}

/// The sandbox that plugins are executed for.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// `CNI_CONTAINERID`.
    pub container_id: ContainerId,
    /// `CNI_NETNS`; DEL may come without it.
    pub netns: Option<String>,
}

/// One execution of a plugin.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The verb.
    pub command: Command,
    /// The network's name for people.
    pub network: &'a str,
    /// `CNI_IFNAME`; none for the verbs about a network as a whole.
    pub interface: Option<&'a InterfaceName>,
    /// `CNI_ARGS`.
    pub args: &'a str,
    /// The plugin.
    pub plugin: &'a PluginType,
    /// Its configuration.
    pub stdin: &'a str,
    /// Its own span, where it has one.
    pub traceparent: Option<&'a TraceContext>,
}

impl Sandbox {
    /// The sandbox that a verb is about.
    #[must_use]
    pub fn of(invocation: &Invocation) -> Self {
        Self {
            container_id: invocation.container_id.clone(),
            netns: invocation.netns.clone(),
        }
    }
}

impl Executor {
    /// For `sandbox`; `binDir` is searched before `path`, as Multus does it.
    #[must_use]
    pub fn new(state: &State, sandbox: Option<Sandbox>, path: &[String], until: Instant) -> Self {
        let first = state
            .bin_dir
            .split(':')
            .filter(|folder| !folder.is_empty())
            .map(str::to_owned);
        Self {
            sandbox,
            path: first.chain(path.iter().cloned()).collect(),
            delegate_timeout: state.delegate_timeout,
            until,
            trace: None,
        }
    }

    /// Checks that every plugin of `conf` is there, before anything is attached.
    ///
    /// # Errors
    /// The first one that is missing.
    pub fn check_plugins(&self, network: &str, conf: &NetworkConf) -> Result<(), Error> {
        conf.plugins()
            .iter()
            .map(PluginConf::plugin_type)
            .filter(|plugin| !is_built_in(plugin))
            .try_for_each(|plugin| self.find(network, plugin).map(drop))
    }

    /// Executes a plugin and gives back what it printed.
    ///
    /// # Errors
    /// It is missing, fails, or hangs.
    pub fn execute(&self, call: &Call<'_>) -> Result<String, Error> {
        let program = match self.find(call.network, call.plugin) {
            Err(_) if is_built_in(call.plugin) => return built_in(call),
            found => found?,
        };
        let path = self.path.join(":");
        let mut environment = vec![
            ("CNI_COMMAND", Some(call.command.as_str())),
            ("CNI_ARGS", Some(call.args)),
            ("CNI_PATH", Some(&path)),
        ];
        // Empty where there is none: what the runtime set for this plugin is not the delegate's.
        let sandbox = self.sandbox.as_ref();
        let id = sandbox.map_or("", |sandbox| sandbox.container_id.as_str());
        let netns = sandbox.and_then(|sandbox| sandbox.netns.as_deref());
        environment.push(("CNI_CONTAINERID", Some(id)));
        environment.push(("CNI_NETNS", Some(netns.unwrap_or_default())));
        let interface = call.interface.map_or("", InterfaceName::as_str);
        environment.push(("CNI_IFNAME", Some(interface)));
        if let Some(trace) = &self.trace {
            let span = call.traceparent.unwrap_or(&trace.add);
            environment.push(("TRACEPARENT", Some(span.as_str())));
            if !trace.is_the_runtimes {
                environment.push(("TRACESTATE", None));
            }
        }
        let left = deadline::left(self.until).min(self.delegate_timeout);
        if left.is_zero() {
            return Err(call.failed(DelegateProblem::NoTime));
        }
        let finished = process::run(&program, &[], environment, call.stdin.as_bytes(), left)
            .map_err(|unfinished| call.failed(unfinished_in(left, unfinished)))?;
        if finished.status.success() {
            return Ok(String::from_utf8_lossy(&finished.stdout).into_owned());
        }
        Err(call.failed(said(finished.status, &finished.stdout, &finished.stderr)))
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
            interface: self.interface.cloned(),
            plugin: self.plugin.clone(),
            verb: self.command.as_str(),
            problem: Box::new(problem),
        }
    }
}

/// Whether a plugin need not be installed: this executable is it, under another name.
fn is_built_in(plugin: &PluginType) -> bool {
    plugin.as_str() == passthru::NAME
}

fn built_in(call: &Call<'_>) -> Result<String, Error> {
    passthru::reply(call.command, call.stdin.as_bytes())
        .map_err(|error| call.failed(DelegateProblem::Said(error)))
}

fn unfinished_in(time: Duration, unfinished: Unfinished) -> DelegateProblem {
    match unfinished {
        Unfinished::Io(error) => DelegateProblem::Exec(error),
        Unfinished::Hung => DelegateProblem::Hung {
            seconds: time.as_secs_f64().ceil(),
        },
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
