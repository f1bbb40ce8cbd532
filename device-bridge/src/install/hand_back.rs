//! How a node is handed back: a function of what the folders hold.

use std::path::Path;

use spec::cni::{ConfFile, NetworkConf};

use super::{
    conf_folder::{ConfFolder, FoundConf},
    multus_conf, on_ours, primary,
};

/// A step; each leaves a configuration in the folder with which pods start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// What was moved aside gets its name back.
    PutBack(String),
    /// The cluster network's configuration is written where the runtime looks.
    Write {
        /// The file.
        name: String,
        /// Its text.
        text: String,
    },
    /// Our configuration goes.
    RemoveOurs,
}

/// Why it cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// None would be left that works; the faults of those that would.
    NothingLeft(Vec<String>),
    /// This file would be the first, which ours has hidden, and does not work. Some runtimes take no other then.
    BrokenFirst {
        /// The file.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// Whose executable a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// There is none.
    Missing,
    /// The plugin, which stays as long as a configuration executes it.
    Ours,
    /// Somebody else's.
    Foreign,
}

/// Decides. `primary` is the folder of the cluster network's configuration where it is another one; `program` says whose the
/// runtime's executable of that name is, and `listens` whether somebody listens on a socket of the node.
///
/// Multus's configuration is put back where nobody else has the cluster network. Its daemon, or the token in its files, went
/// with Multus as a rule, and as the first by name it would fail every pod.
///
/// # Errors
/// The runtime would have no configuration, or first a broken one, and `force` does not say that this is meant.
pub fn steps(
    runtime: &ConfFolder,
    primary: Option<&ConfFolder>,
    ours: &str,
    program: impl Fn(&str) -> Program,
    listens: impl Fn(&Path) -> bool,
    force: bool,
) -> Result<Vec<Step>, Refusal> {
    let silent = |file: &FoundConf| {
        let is_shims = program(multus_conf::SHIM) == Program::Foreign;
        is_shims.then(|| silent_daemon(file, &listens)).flatten()
    };
    let fault_of = |file: &FoundConf| {
        fault(file, ours, |name| program(name) == Program::Foreign).or_else(|| silent(file))
    };
    let works = |file: &FoundConf| fault_of(file).is_none();
    let come_back = |of_multus: bool| {
        let aside = runtime.aside.iter().filter(move |aside| {
            multus_conf::is_of_multus(aside) == of_multus
                && works(aside)
                && runtime.file(&aside.name).is_none()
        });
        aside.map(|aside| Step::PutBack(aside.name.clone()))
    };
    let mut steps: Vec<Step> = come_back(false).collect();
    let own = runtime.file(ours);
    let others = || runtime.files.iter().filter(|file| file.name != ours);
    if steps.is_empty() && !others().any(works) {
        let rescued = own.and_then(|own| rescue(own, primary));
        let of_multus = || come_back(true).next();
        match rescued.or_else(of_multus) {
            Some(step) => steps.push(step),
            None if force || own.is_none() => {}
            None => {
                let faults =
                    others().filter_map(|file| Some(format!("{}: {}", file.name, fault_of(file)?)));
                return Err(Refusal::NothingLeft(faults.collect()));
            }
        }
    }
    if own.is_none() {
        return Ok(steps);
    }
    let first = first_of(others(), &steps).filter(|_| !force);
    let broken = first.and_then(|file| {
        // What sorts before ours is in force already, and its daemon may be where it cannot be seen from here.
        let is_hidden = || file.name.as_str() > ours;
        let fault = fault(file, ours, |name| program(name) != Program::Missing)
            .or_else(|| is_hidden().then(|| silent(file)).flatten())?;
        Some((file.name.clone(), fault))
    });
    if let Some((name, fault)) = broken {
        return Err(Refusal::BrokenFirst { name, fault });
    }
    steps.push(Step::RemoveOurs);
    Ok(steps)
}

/// Configurations of Multus that stay moved aside.
pub fn left_aside<'a>(runtime: &'a ConfFolder, steps: &'a [Step]) -> impl Iterator<Item = &'a str> {
    let of_multus = runtime
        .aside
        .iter()
        .filter(|aside| multus_conf::is_of_multus(aside))
        .map(|aside| aside.name.as_str());
    of_multus.filter(|aside| {
        let is_it = |step: &Step| matches!(step, Step::PutBack(name) if name == aside);
        !steps.iter().any(is_it)
    })
}

/// The cluster network's configuration written: from the folder that has it, else from what ours has inlined.
fn rescue(own: &FoundConf, primary: Option<&ConfFolder>) -> Option<Step> {
    let from_folder = primary.and_then(|folder| {
        let primary = primary::choose(folder, None, None, None).primary?;
        Some((primary.file?, primary.conf))
    });
    let (name, conf) = from_folder.or_else(|| {
        let conf = delegate_of(own)?;
        Some((name_for(&conf), conf))
    })?;
    let text = conf.to_json() + "\n";
    Some(Step::Write { name, text })
}

/// Why the client of Multus's daemon would fail every pod.
fn silent_daemon(file: &FoundConf, listens: impl Fn(&Path) -> bool) -> Option<String> {
    let socket = multus_conf::daemon_socket(file).filter(|socket| !listens(socket))?;
    Some(format!(
        "Multus's daemon does not listen on {} (in a container: mount that folder below --host-root)",
        socket.display()
    ))
}

/// Why no pod would get the cluster network by this file. `runs` is asked about programs that are one of us.
fn fault(file: &FoundConf, ours: &str, runs: impl Fn(&str) -> bool) -> Option<String> {
    let conf = match &file.conf {
        Ok(conf) => conf,
        Err(fault) => return Some(fault.clone()),
    };
    if primary::is_loopback(conf) {
        return Some("it makes the loopback interface alone".to_owned());
    }
    conf.self_delegation()?;
    if on_ours::is_on_ours(file, ours) {
        return Some(format!("its cluster network is {ours}, which goes"));
    }
    conf.plugins()
        .iter()
        .map(|plugin| plugin.plugin_type().as_str())
        .find(|name| is_one_of_us(name) && !runs(name))
        .map(|name| format!("it executes {name}, which is not installed"))
}

/// The first file by name once the steps are taken, unless one of them makes it.
fn first_of<'a>(
    others: impl Iterator<Item = &'a FoundConf>,
    steps: &[Step],
) -> Option<&'a FoundConf> {
    let first = others.min_by_key(|file| &file.name)?;
    let is_first = |step: &Step| match step {
        Step::PutBack(name) | Step::Write { name, .. } => *name <= first.name,
        Step::RemoveOurs => false,
    };
    (!steps.iter().any(is_first)).then_some(first)
}

/// Whether a type is one of ours, or of Multus.
fn is_one_of_us(plugin_type: &str) -> bool {
    let alone = serde_json::json!({"type": plugin_type}).to_string();
    NetworkConf::parse(&alone).is_ok_and(|conf| conf.self_delegation().is_some())
}

/// The primary that our configuration has inlined: the last good one, wherever its file is now.
fn delegate_of(own: &FoundConf) -> Option<NetworkConf> {
    let conf = own.conf.as_ref().ok()?;
    let delegates = conf.plugins().first()?.field("delegates")?;
    let delegates: Vec<Box<serde_json::value::RawValue>> =
        serde_json::from_str(delegates.get()).ok()?;
    let primary = NetworkConf::parse(delegates.first()?.get()).ok()?;
    primary.self_delegation().is_none().then_some(primary)
}

fn name_for(conf: &NetworkConf) -> String {
    let name = conf.name().map_or("cluster-network", |name| name.as_str());
    let is_list = ConfFile::parse(&conf.to_json()).is_ok_and(|file| file.is_list());
    let ending = if is_list { "conflist" } else { "conf" };
    format!("10-{name}.{ending}")
}

#[cfg(test)]
#[path = "hand_back_tests.rs"]
mod tests;
