//! How a node is handed back: a function of what the folders hold.

use spec::cni::{ConfFile, NetworkConf};

use super::{
    conf_folder::{ConfFolder, FoundConf},
    on_ours, primary,
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
/// runtime's executable of that name is.
///
/// # Errors
/// The runtime would have no configuration, or first a broken one, and `force` does not say that this is meant.
pub fn steps(
    runtime: &ConfFolder,
    primary: Option<&ConfFolder>,
    ours: &str,
    program: impl Fn(&str) -> Program,
    force: bool,
) -> Result<Vec<Step>, Refusal> {
    let works =
        |file: &FoundConf| fault(file, ours, |name| program(name) == Program::Foreign).is_none();
    let mut steps: Vec<Step> = runtime
        .aside
        .iter()
        .filter(|aside| works(aside) && runtime.file(&aside.name).is_none())
        .map(|aside| Step::PutBack(aside.name.clone()))
        .collect();
    let Some(own) = runtime.file(ours) else {
        return Ok(steps);
    };
    let others = || runtime.files.iter().filter(|file| file.name != ours);
    if steps.is_empty() && !others().any(works) {
        let from_folder = primary.and_then(|folder| {
            let primary = primary::choose(folder, None, None, None).primary?;
            Some((primary.file?, primary.conf))
        });
        let rescued = from_folder.or_else(|| {
            let conf = delegate_of(own)?;
            Some((name_for(&conf), conf))
        });
        match rescued {
            Some((name, conf)) => steps.push(Step::Write {
                name,
                text: conf.to_json() + "\n",
            }),
            None if force => {}
            None => {
                let is_foreign = |name: &str| program(name) == Program::Foreign;
                let faults = others().filter_map(|file| {
                    Some(format!("{}: {}", file.name, fault(file, ours, is_foreign)?))
                });
                return Err(Refusal::NothingLeft(faults.collect()));
            }
        }
    }
    let first = first_of(others(), &steps).filter(|_| !force);
    let broken = first.and_then(|file| {
        let fault = fault(file, ours, |name| program(name) != Program::Missing)?;
        Some((file.name.clone(), fault))
    });
    if let Some((name, fault)) = broken {
        return Err(Refusal::BrokenFirst { name, fault });
    }
    steps.push(Step::RemoveOurs);
    Ok(steps)
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
