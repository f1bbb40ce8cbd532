//! GC: what no valid attachment needs is removed, and every network is told which attachments are valid.

mod networks;

use std::{collections::BTreeSet, path::Path, time::Instant};

use spec::cni::{Args, ContainerId, InterfaceName, ValidAttachments};

use self::networks::Networks;
use crate::{
    deadline::Deadline,
    delegate::{Executor, Sandbox},
    detach::{detach_imported, detach_recorded},
    error::Error,
    log::{Field, Log},
    multus::{self, Imported},
    net_conf::{NetConf, State},
    netns,
    record::Record,
    sandbox_file::{Opened, SandboxFile, Sandboxes},
    status,
};

/// Removes everything that is recorded of sandboxes without a valid attachment, those whose network namespace is gone
/// included, and then has each network collect its own garbage. CNI specification, section 2, "GC".
///
/// Without a list nothing is known to be invalid but what has lost its namespace, and no network is asked to collect. Nor is
/// any asked as long as the attachments of a live sandbox cannot be read: their addresses would be given to others.
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
        recorded: BTreeSet::new(),
        knows_the_live: true,
        errors: Vec::new(),
    };
    collector.sandboxes()?;
    collector.scratch_files();
    let Collector {
        executor,
        mut networks,
        knows_the_live,
        mut errors,
        ..
    } = collector;
    if let Some(valid) = valid
        && knows_the_live
    {
        let of_node = conf.and_then(|conf| status::of_node(conf).ok());
        networks.mention_configured(of_node.unwrap_or_default());
        errors.extend(networks.collect(&executor, valid, log));
    }
    Error::all(errors)
}

struct Collector<'a> {
    state: &'a State,
    valid: Option<&'a ValidAttachments>,
    executor: Executor,
    log: &'a Log<'a>,
    networks: Networks,
    /// The sandboxes whose records could be read.
    recorded: BTreeSet<ContainerId>,
    /// Whether the attachments of every live sandbox could be read.
    knows_the_live: bool,
    errors: Vec<Error>,
}

impl Collector<'_> {
    fn sandboxes(&mut self) -> Result<(), Error> {
        let sandboxes = Sandboxes::new(&self.state.cni_dir);
        for id in sandboxes.list()? {
            match sandboxes.open(&id, self.state.patience(Instant::now())) {
                Ok(Opened::File(file)) => self.sandbox(&id, file),
                Ok(Opened::Nothing | Opened::Gone) => {}
                // An ADD that begins has attached nothing yet.
                Err(Error::Busy { .. }) => {}
                Err(error) => {
                    self.knows_the_live &= !self.is_valid(&id);
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
        self.recorded.insert(id.clone());
        // A sandbox that somebody is at work on is nobody's garbage.
        if !file.is_locked() || self.is_live(&record) {
            self.knows_the_live &= self.networks.keep(id, &record.attachments);
            return;
        }
        self.log_stale(id);
        self.networks.mention_all(&record.attachments);
        let executor = self.for_sandbox(&record);
        let removed = multus::remove(&self.state.cni_dir, &record);
        self.errors.extend(removed.map_err(Error::Compat).err());
        let told = Record::new(id.clone());
        let is_listed = self.valid.is_some() && self.is_listed(&record);
        match detach_recorded(&executor, file, record, self.log) {
            // The runtime is going to delete it, and must find that there is nothing left, and not that nothing is known.
            Ok(()) if is_listed => {
                let patience = self.state.patience(Instant::now());
                let begun = Sandboxes::new(&self.state.cni_dir).begin(&told, patience);
                self.errors.extend(begun.err());
            }
            Ok(()) => {}
            Err(error) => self.errors.push(error),
        }
    }

    /// Multus's files of the sandbox, where there are any, say again what the record cannot.
    fn torn(&mut self, id: &ContainerId, file: SandboxFile, problem: &str) {
        let is_known = self
            .imported(id)
            .is_some_and(|imported| imported.lost.is_empty());
        let advice = match (is_known, self.is_valid(id)) {
            // The turn of Multus's files is still to come.
            (true, true) => return,
            (true, false) => {
                let before = self.errors.len();
                self.scratch_file(id);
                if self.errors.len() == before {
                    self.errors.extend(file.remove().err());
                }
                return;
            }
            (false, true) => {
                self.knows_the_live = false;
                "as long as the sandbox lives, no network is asked to collect"
            }
            (false, false) => {
                "remove the sandbox's interfaces and addresses by hand, then this file"
            }
        };
        self.errors.push(Error::Record {
            attempted: "understood",
            path: file.path().to_owned(),
            problem: format!("{problem}; {advice}"),
        });
    }

    /// The runtime counts it among the valid ones, and its network namespace is still there. About sandboxes of another
    /// network of the runtime, with a configuration of its own, this list says nothing.
    fn is_live(&self, record: &Record) -> bool {
        if record.network.is_some() && record.network != self.state.name {
            return true;
        }
        self.is_listed(record) && !netns::is_gone(record.netns.as_deref(), record.netns_inode)
    }

    /// The runtime counts the very attachment among the valid ones.
    fn is_listed(&self, record: &Record) -> bool {
        let id = &record.container_id;
        match (self.valid, &record.interface) {
            (Some(valid), Some(interface)) => valid.contains(id.as_str(), interface.as_str()),
            (Some(_) | None, _) => self.is_valid(id),
        }
    }

    fn is_valid(&self, id: &ContainerId) -> bool {
        self.valid
            .is_none_or(|valid| valid.has_container(id.as_str()))
    }

    /// Plugins are told the namespace as long as it is surely the sandbox's own.
    fn for_sandbox(&self, record: &Record) -> Executor {
        let is_own = record.netns_inode.is_some()
            && record.netns.as_deref().and_then(netns::inode) == record.netns_inode;
        let mut executor = self.executor_of(
            &record.container_id,
            record.netns.clone().filter(|_| is_own),
        );
        executor.path.extend(record.path.iter().cloned());
        executor
    }

    fn executor_of(&self, id: &ContainerId, netns: Option<String>) -> Executor {
        Executor {
            sandbox: Some(Sandbox {
                container_id: id.clone(),
                netns,
            }),
            ..self.executor.clone()
        }
    }

    /// Pods that Multus attached before this plugin took its place, and what it left of pods that are gone.
    fn scratch_files(&mut self) {
        let sandboxes = Sandboxes::new(&self.state.cni_dir);
        let results = multus::results(&self.state.cni_dir);
        let mut ids = named_like_containers(&self.state.cni_dir);
        ids.extend(multus::result_cache::containers(&results));
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            // Of a sandbox with a record these are copies, which go with it; it may be one that is being attached.
            if !self.recorded.contains(&id) && (self.is_valid(&id) || !sandboxes.path(&id).exists())
            {
                self.scratch_file(&id);
            }
        }
    }

    fn scratch_file(&mut self, id: &ContainerId) {
        let Some(imported) = self.imported(id) else {
            return;
        };
        if self.is_valid(id) && !imported.is_gone() {
            self.knows_the_live &= self.networks.keep(id, &imported.attachments);
            if !imported.lost.is_empty() {
                self.knows_the_live = false;
                self.errors.push(Error::Record {
                    attempted: "recovered",
                    path: self.state.cni_dir.join(id.as_str()),
                    problem: format!(
                        "{}; as long as the sandbox lives, no network is asked to collect",
                        imported.lost.join("; ")
                    ),
                });
            }
            return;
        }
        self.log_stale(id);
        self.networks.mention_all(&imported.attachments);
        let executor = self.executor_of(id, None);
        let errors = detach_imported(self.state, &executor, id, imported, self.log);
        // As with a record: the runtime is still going to delete it.
        if errors.is_empty() && self.valid.is_some() && self.is_valid(id) {
            let patience = self.state.patience(Instant::now());
            let told = Record::new(id.clone());
            let begun = Sandboxes::new(&self.state.cni_dir).begin(&told, patience);
            self.errors.extend(begun.err());
        }
        self.errors.extend(errors);
    }

    /// What Multus's files say about a sandbox. A torn scratch file is made up for by the results that libcni kept: a live
    /// sandbox has one for each attachment, of another there may have been more.
    fn imported(&self, id: &ContainerId) -> Option<Imported> {
        let interface = self.interface_of(id);
        let args = Args::default();
        let sandbox = multus::Sandbox::new(self.state, id, &interface, &args);
        let problem = match multus::scratch::read(&self.state.cni_dir, &sandbox) {
            Ok(Some(imported)) => return Some(imported),
            Ok(None) => None,
            Err(problem) => Some(problem),
        };
        let results = multus::results(&self.state.cni_dir);
        let found = multus::result_cache::find(&results, &sandbox);
        let mut imported = found.unwrap_or_else(|problem| Imported {
            lost: vec![problem],
            ..Imported::default()
        });
        let has_results = !imported.attachments.is_empty() || !imported.lost.is_empty();
        let is_listed = self
            .valid
            .is_some_and(|valid| valid.has_container(id.as_str()));
        // Not every file in this folder is a scratch file.
        if !has_results && (problem.is_none() || !is_listed) {
            return None;
        }
        if !(is_listed && has_results) {
            imported.lost.extend(problem);
        }
        Some(imported)
    }

    /// `CNI_IFNAME` of the sandbox's ADD, as far as it is known.
    fn interface_of(&self, id: &ContainerId) -> InterfaceName {
        let listed = self
            .valid
            .into_iter()
            .flat_map(ValidAttachments::iter)
            .filter(|valid| valid.container_id == id.as_str());
        let mut listed = listed.filter_map(|valid| valid.interface.parse().ok());
        listed
            .next()
            .unwrap_or_else(|| "eth0".parse().expect("eth0 is an interface name"))
    }

    fn log_stale(&self, id: &ContainerId) {
        self.log.warning(
            "a sandbox is not valid any more; its attachments are removed",
            &[("containerId", Field::Text(id.as_str()))],
        );
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
