//! GC: what no valid attachment needs is removed, and every network is told which attachments are valid.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use spec::cni::{Args, ContainerId, InterfaceName, NetworkConf, ValidAttachment, ValidAttachments};

use crate::{
    chain,
    deadline::Deadline,
    delegate::{Executor, Sandbox},
    detach::{detach, detach_recorded},
    error::Error,
    log::{Field, Log},
    multus,
    net_conf::{NetConf, State},
    netns,
    record::{Attachment, Record},
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
        errors: Vec::new(),
    };
    collector.sandboxes()?;
    collector.scratch_files();
    if let Some(conf) = conf {
        collector.cluster_network(conf);
    }
    let has_list = valid.is_some();
    let Collector {
        executor,
        networks,
        mut errors,
        ..
    } = collector;
    if has_list {
        errors.extend(networks.collect(&executor));
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
    errors: Vec<Error>,
}

impl Collector<'_> {
    fn sandboxes(&mut self) -> Result<(), Error> {
        let sandboxes = Sandboxes::new(&self.state.cni_dir);
        for id in sandboxes.list()? {
            match sandboxes.open(&id, Duration::ZERO) {
                Ok(Some(file)) => self.sandbox(&id, file),
                Ok(None) => {}
                Err(error) => self.errors.push(error),
            }
        }
        Ok(())
    }

    fn sandbox(&mut self, id: &ContainerId, mut file: SandboxFile) {
        let record = match file.read() {
            Ok(record) => record,
            Err(problem) => {
                if !self.is_valid(id) {
                    self.errors.push(Error::Record {
                        attempted: "understood",
                        path: file.path().to_owned(),
                        problem: format!("{problem}; remove the sandbox's interfaces and addresses by hand, then this file"),
                    });
                }
                return;
            }
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
            .extend(detach_recorded(&executor, file, record).err());
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

    /// Pods that Multus attached before this plugin took its place.
    fn scratch_files(&mut self) {
        let interface: InterfaceName = "eth0".parse().expect("eth0 is an interface name");
        let args = Args::default();
        for id in named_like_containers(&self.state.cni_dir) {
            let sandbox = multus::Sandbox {
                container_id: &id,
                interface: &interface,
                args: &args,
                version: self.state.version,
                device_info: &self.state.device_info_dir,
            };
            // Not every file in this folder is a scratch file, and of one that is torn DEL will say so.
            let Ok(Some(imported)) = multus::scratch::read(&self.state.cni_dir, &sandbox) else {
                continue;
            };
            if self.is_valid(&id) {
                self.networks.keep(&id, &imported.attachments);
                continue;
            }
            self.networks.mention(&imported.attachments);
            let foreign = Record {
                attachments: imported.attachments,
                ..Record::intend(id.clone(), None, None, &[])
            };
            let mut left = detach(&self.for_sandbox(&foreign), foreign.attachments.clone());
            if left.errors.is_empty() && imported.lost.is_empty() {
                let removed = multus::remove(&self.state.cni_dir, &foreign);
                left.errors.extend(removed.map_err(Error::Compat).err());
            }
            self.errors.extend(left.errors);
        }
    }

    /// The runtime's own list is the cluster network's, and there may be pods on it that were never recorded here, because
    /// the runtime attached them before this plugin was installed.
    fn cluster_network(&mut self, conf: &NetConf) {
        let cluster = status::of_node(conf)
            .ok()
            .and_then(|confs| confs.into_iter().next());
        if let Some(name) = cluster.and_then(|cluster| self.networks.mention_conf(cluster)) {
            for attachment in self.valid.into_iter().flat_map(ValidAttachments::iter) {
                self.networks.valid(&name, attachment.clone());
            }
        }
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

/// The networks that attachments are or were on, and who is valid on each.
#[derive(Default)]
struct Networks {
    confs: BTreeMap<String, NetworkConf>,
    valid: BTreeMap<String, BTreeSet<ValidAttachment>>,
}

impl Networks {
    fn keep(&mut self, id: &ContainerId, attachments: &[Attachment]) {
        self.mention(attachments);
        for attachment in attachments {
            let name = NetworkConf::parse(&attachment.conf)
                .ok()
                .and_then(|conf| conf.name().map(ToString::to_string));
            if let Some(name) = name {
                let valid = ValidAttachment {
                    container_id: id.to_string(),
                    interface: attachment.interface.to_string(),
                };
                self.valid(&name, valid);
            }
        }
    }

    fn mention(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            if let Ok(conf) = NetworkConf::parse(&attachment.conf) {
                self.mention_conf(conf);
            }
        }
    }

    /// Takes a network down, and says its name.
    fn mention_conf(&mut self, conf: NetworkConf) -> Option<String> {
        let name = conf.name()?.to_string();
        self.confs.insert(conf.to_json(), conf);
        Some(name)
    }

    fn valid(&mut self, name: &str, attachment: ValidAttachment) {
        self.valid
            .entry(name.to_owned())
            .or_default()
            .insert(attachment);
    }

    /// Has each network collect. A network whose configuration has changed over time collects once for each.
    fn collect(&self, executor: &Executor) -> Vec<Error> {
        let collected = self.confs.values().map(|conf| {
            let name = conf.name().map(ToString::to_string).unwrap_or_default();
            let valid = self.valid.get(&name).into_iter().flatten();
            chain::gc(executor, &name, conf, &valid.cloned().collect())
        });
        collected.filter_map(Result::err).collect()
    }
}
