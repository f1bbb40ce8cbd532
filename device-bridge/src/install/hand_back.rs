//! How a node is handed back: a function of what the folders hold.

use spec::cni::{ConfFile, NetworkConf};

use super::{
    conf_folder::{ConfFolder, FoundConf},
    primary,
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

/// Why it cannot be: the faults of what would be left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NothingLeft(pub Vec<String>);

/// Decides. `primary` is the folder of the cluster network's configuration where it is another one; `runs` says whether the
/// runtime has an executable of that name which is not ours.
///
/// # Errors
/// The runtime would have no configuration, and `force` does not say that this is meant.
pub fn steps(
    runtime: &ConfFolder,
    primary: Option<&ConfFolder>,
    ours: &str,
    runs: impl Fn(&str) -> bool,
    force: bool,
) -> Result<Vec<Step>, NothingLeft> {
    let works = |file: &FoundConf| {
        file.conf
            .as_ref()
            .is_ok_and(|conf| match conf.self_delegation() {
                None => true,
                Some(_) => conf
                    .plugins()
                    .iter()
                    .filter(|plugin| is_one_of_us(plugin.plugin_type().as_str()))
                    .all(|plugin| runs(plugin.plugin_type().as_str())),
            })
    };
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
                let faults = others().map(|file| {
                    let fault = file
                        .conf
                        .as_ref()
                        .err()
                        .map_or("it executes Multus, which is not installed", String::as_str);
                    format!("{}: {fault}", file.name)
                });
                return Err(NothingLeft(faults.collect()));
            }
        }
    }
    steps.push(Step::RemoveOurs);
    Ok(steps)
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
