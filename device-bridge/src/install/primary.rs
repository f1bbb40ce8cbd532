//! Which configuration is the cluster network's: the one that pods would get if we were not there.

use std::time::Duration;

use spec::cni::NetworkConf;

use super::{
    conf_folder::{ConfFolder, FoundConf},
    multus_conf::{MultusCluster, MultusConf},
};

/// The cluster network's configuration.
#[derive(Clone, Debug)]
pub struct Primary {
    /// Its file, unless it is known only from Multus's configuration.
    pub file: Option<String>,
    /// The configuration, whole.
    pub conf: NetworkConf,
}

/// What a folder gives.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The primary, if there is one.
    pub primary: Option<Primary>,
    /// Files before it that cannot be it, and why.
    pub passed_over: Vec<(String, String)>,
}

impl Choice {
    /// What Multus has inlined, of which there is no file.
    #[must_use]
    pub fn inlined(conf: &NetworkConf) -> Self {
        Self {
            primary: Some(Primary {
                file: None,
                conf: conf.clone(),
            }),
            passed_over: Vec::new(),
        }
    }
}

/// How long a primary that has gone is waited for before another one takes its place. Installers of cluster networks remove
/// their file and write it again.
pub const GONE_FOR_GOOD: Duration = Duration::from_secs(15);

/// Chooses in `folder`: the file `wanted`, else the first by name that is the configuration of a network and of none of us,
/// else what Multus's configuration says. `ours` is the file that we write.
#[must_use]
pub fn choose(
    folder: &ConfFolder,
    wanted: Option<&str>,
    ours: Option<&str>,
    multus: Option<&MultusConf>,
) -> Choice {
    let mut passed_over = Vec::new();
    let candidates = folder
        .files
        .iter()
        .filter(|file| Some(file.name.as_str()) != ours)
        .filter(|file| wanted.is_none_or(|wanted| file.name == wanted));
    for file in candidates {
        let usable = usable(file).and_then(|conf| {
            // It may be all that there is until the cluster network's installer has run.
            if wanted.is_none() && is_loopback(conf) {
                Err("it makes the loopback interface alone; name it by --primary-conf if that is meant".to_owned())
            } else {
                Ok(conf)
            }
        });
        match usable {
            Ok(conf) => {
                return Choice {
                    primary: Some(Primary {
                        file: Some(file.name.clone()),
                        conf: conf.clone(),
                    }),
                    passed_over,
                };
            }
            Err(why) => passed_over.push((file.name.clone(), why)),
        }
    }
    let of_multus = multus.filter(|_| wanted.is_none()).and_then(of_multus);
    Choice {
        primary: of_multus,
        passed_over,
    }
}

fn usable(file: &FoundConf) -> Result<&NetworkConf, String> {
    let conf = file.conf.as_ref().map_err(Clone::clone)?;
    match conf.self_delegation() {
        Some(itself) => Err(format!(
            "it executes {itself}, which would be executed by itself over and over"
        )),
        None => Ok(conf),
    }
}

/// Whether a configuration makes the loopback interface and nothing else. Packages leave such a file.
#[must_use]
pub fn is_loopback(conf: &NetworkConf) -> bool {
    let mut plugins = conf.plugins().iter();
    plugins.all(|plugin| plugin.plugin_type().as_str() == "loopback")
}

fn of_multus(multus: &MultusConf) -> Option<Primary> {
    match &multus.cluster {
        MultusCluster::Inlined(conf) => Some(Primary {
            file: None,
            conf: (**conf).clone(),
        }),
        MultusCluster::File(_) | MultusCluster::Named(_) | MultusCluster::Unknown => None,
    }
}

/// What to do about a primary that was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Steady {
    /// Take the choice.
    Take,
    /// Keep what was written: the file is broken, which writers that do not rename leave it for a moment.
    Broken(String),
    /// Keep what was written: the file is gone, and there is no other, or it may come back.
    Gone,
}

/// Whether `choice` replaces the primary from the file `before`, which has been gone for `gone_for`.
///
/// An earlier file does at once, as it does for the runtime, unless the file before `is_pinned`: chosen by its name. A later
/// one never does while the file is there and broken.
#[must_use]
pub fn steady(
    choice: &Choice,
    folder: &ConfFolder,
    before: Option<&str>,
    gone_for: Duration,
    is_pinned: bool,
) -> Steady {
    let Some(before) = before else {
        return Steady::Take;
    };
    let chosen = choice
        .primary
        .as_ref()
        .and_then(|primary| primary.file.as_deref());
    if chosen.is_some_and(|chosen| chosen == before || (chosen < before && !is_pinned)) {
        return Steady::Take;
    }
    match folder.file(before) {
        Some(file) => match usable(file) {
            Ok(_) => Steady::Take,
            Err(why) => Steady::Broken(why),
        },
        None if chosen.is_some() && gone_for >= GONE_FOR_GOOD => Steady::Take,
        None => Steady::Gone,
    }
}

#[cfg(test)]
#[path = "primary_tests.rs"]
mod tests;
