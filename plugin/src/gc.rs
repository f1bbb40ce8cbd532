//! GC: what no valid attachment needs is removed, and every network is told which attachments are valid.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use spec::cni::{Args, ContainerId, InterfaceName, ValidAttachments};

use crate::{
    deadline::Deadline,
    delegate::{Executor, Sandbox},
    detach::{detach, detach_recorded},
    error::Error,
    log::{Field, Log},
    multus::{self, Imported},
    net_conf::{NetConf, State},
    netns,
    networks::Networks,
    record::Record,
    sandbox_file::{SandboxFile, Sandboxes},
    status,
};

/// Removes everything that is recorded of sandboxes without a valid attachment, those whose network namespace is gone
/// included, and then has each network collect its own garbage. CNI specification, section 2, "GC".
///
/// Without a list nothing is known to be invalid but what has lost its namespace, and no network is asked to collect.
///
/// # Errors
/// Everything that failed; the rest was done all the same.
pub fn gc(
    state: &State,
    conf: Option<&NetConf>,
    valid: Option<&ValidAttachments>,
    path: &[String],
    log: &Log<'_>,
) -> Result<(), Error> {
    let deadline = Deadline::from(Instant::now(), state.timeout);
    let mut collector = Collector {
        state,
        valid,
        executor: Executor::new(state, None, path, deadline.end),
        log,
        networks: Networks::default(),
        is_all_known: true,
        errors: Vec::new(),
    };
    collector.sandboxes()?;
    collector.others();
    let cluster_network = conf.and_then(|conf| collector.cluster_network(conf));
    let Collector {
        executor,
        networks,
        mut errors,
        is_all_known,
        ..
    } = collector;
    match (valid, is_all_known, &cluster_network) {
        (None, ..) | (Some(_), false, None) => {}
        (Some(_), true, _) => errors.extend(networks.collect(&executor, None, log)),
        // Which networks the unreadable sandboxes are on nobody knows; on the cluster network they are listed by the runtime.
        (Some(_), false, Some(name)) => {
            errors.extend(networks.collect(&executor, Some(name), log));
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Error::Several(errors))
    }
}

struct Collector<'a> {
    state: &'a State,
    valid: Option<&'a ValidAttachments>,
    executor: Executor,
    log: &'a Log<'a>,
    networks: Networks,
    /// Whether the networks of all valid sandboxes are known.
    is_all_known: bool,
    errors: Vec<Error>,
}

impl Collector<'_> {
    fn sandboxes(&mut self) -> Result<(), Error> {
        let sandboxes = Sandboxes::new(&self.state.cni_dir);
        for id in sandboxes.list()? {
            match sandboxes.open(&id, Duration::ZERO) {
                Ok(Some(file)) => self.sandbox(&id, file),
                Ok(None) => {}
                Err(error) => {
                    self.is_all_known &= !self.is_valid(&id);
                    self.errors.push(error);
                }
            }
        }
        Ok(())
    }

    fn sandbox(&mut self, id: &ContainerId, mut file: SandboxFile) {
        let record = match file.read() {
            Ok(record) => record,
            Err(problem) => return self.torn(id, file, &problem),
        };
        // A sandbox that somebody is at work on is nobody's garbage.
        if !file.is_locked() || self.is_live(&record) {
            self.networks.keep(id, &record.attachments);
            return;
        }
        self.log.warning(
            "a sandbox is not valid any more; its attachments are removed",
            &[("containerId", Field::Text(id.as_str()))],
        );
        self.networks.mention(&record.attachments);
        let mut executor = self.for_sandbox(&record);
        executor.path.extend(record.path.iter().cloned());
        let removed = multus::remove(&self.state.cni_dir, &record);
        self.errors.extend(removed.map_err(Error::Compat).err());
        self.errors
            .extend(detach_recorded(&executor, file, record, self.log).err());
    }

    /// The runtime counts it among the valid ones, and its network namespace is still there.
    fn is_live(&self, record: &Record) -> bool {
        let id = &record.container_id;
        let is_valid = match (self.valid, &record.interface) {
            (Some(valid), Some(interface)) => valid.contains(id.as_str(), interface.as_str()),
            (Some(_) | None, _) => self.is_valid(id),
        };
        is_valid && !netns::is_gone(record.netns.as_deref(), record.netns_inode)
    }

    fn is_valid(&self, id: &ContainerId) -> bool {
        self.valid
            .is_none_or(|valid| valid.has_container(id.as_str()))
    }

    /// Plugins are told the namespace as long as it is surely the sandbox's own.
    fn for_sandbox(&self, record: &Record) -> Executor {
        let is_own = record.netns_inode.is_some()
            && record.netns.as_deref().and_then(netns::inode) == record.netns_inode;
        Executor {
            sandbox: Some(Sandbox {
                container_id: record.container_id.clone(),
                netns: record.netns.clone().filter(|_| is_own),
            }),
            ..self.executor.clone()
        }
    }

    /// A sandbox whose record cannot be read is known as far as Multus's files go, which `compat` writes too.
    fn torn(&mut self, id: &ContainerId, file: SandboxFile, problem: &str) {
        let foreign = self.foreign(id);
        let is_known = !foreign.attachments.is_empty() && foreign.lost.is_empty();
        if !file.is_locked() || self.is_valid(id) {
            self.is_all_known &= is_known;
            self.networks.keep(id, &foreign.attachments);
        } else if is_known && self.take_away(id, foreign) {
            self.errors.extend(file.remove().err());
            return;
        }
        self.errors.push(Error::Record {
            attempted: "understood",
            path: file.path().to_owned(),
            problem: format!("{problem}; once the runtime has deleted the sandbox, remove the interfaces and addresses that it still has by hand, then this file"),
        });
    }

    /// Pods that Multus attached before this plugin took its place, and what it left of those that are gone.
    fn others(&mut self) {
        let sandboxes = Sandboxes::new(&self.state.cni_dir);
        let results = multus::results(&self.state.cni_dir);
        let mut ids = named_like_containers(&self.state.cni_dir);
        ids.extend(multus::result_cache::containers(&results));
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            if sandboxes.path(&id).exists() {
                continue;
            }
            let foreign = self.foreign(&id);
            if !self.is_valid(&id) {
                self.take_away(&id, foreign);
                continue;
            }
            // Not every file in this folder is a scratch file; one of a valid sandbox that is torn is, though.
            self.is_all_known &= foreign.lost.is_empty();
            self.networks.keep(&id, &foreign.attachments);
        }
    }

    /// What Multus's files say about a sandbox.
    fn foreign(&self, id: &ContainerId) -> Imported {
        let interface: InterfaceName = "eth0".parse().expect("eth0 is an interface name");
        let sandbox = multus::Sandbox {
            container_id: id,
            interface: &interface,
            args: &Args::default(),
            version: self.state.version,
            device_info: &self.state.device_info_dir,
        };
        let scratch = multus::scratch::read(&self.state.cni_dir, &sandbox);
        let torn = match scratch {
            Ok(Some(imported)) => return imported,
            Ok(None) => None,
            Err(problem) => Some(problem),
        };
        let results = multus::results(&self.state.cni_dir);
        let mut found =
            multus::result_cache::find(&results, &sandbox).unwrap_or_else(|problem| Imported {
                lost: vec![problem],
                ..Imported::default()
            });
        found.lost.extend(torn);
        found
    }

    /// Takes away what Multus's files say about a sandbox, and then the files. Says whether nothing is left.
    fn take_away(&mut self, id: &ContainerId, foreign: Imported) -> bool {
        self.networks.mention(&foreign.attachments);
        let record = Record {
            attachments: foreign.attachments,
            ..Record::intend(id.clone(), None, None, &[])
        };
        let executor = self.for_sandbox(&record);
        let mut left = detach(&executor, record.attachments.clone(), self.log);
        if left.errors.is_empty() && foreign.lost.is_empty() {
            let removed = multus::remove(&self.state.cni_dir, &record);
            left.errors.extend(removed.map_err(Error::Compat).err());
        }
        let is_done = left.errors.is_empty() && foreign.lost.is_empty();
        self.errors.extend(left.errors);
        is_done
    }

    /// The runtime's own list is the cluster network's, and there may be pods on it that were never recorded here, because
    /// the runtime attached them before this plugin was installed. Gives back the name of that network.
    fn cluster_network(&mut self, conf: &NetConf) -> Option<String> {
        let cluster = status::of_node(conf).ok()?.into_iter().next()?;
        let name = self.networks.mention_conf(cluster)?;
        for attachment in self.valid.into_iter().flat_map(ValidAttachments::iter) {
            self.networks.valid(&name, attachment.clone());
        }
        Some(name)
    }
}

/// The files right below `cniDir` that have a container id for a name, as Multus's scratch files do.
fn named_like_containers(cni_dir: &Path) -> Vec<ContainerId> {
    let entries = std::fs::read_dir(cni_dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
