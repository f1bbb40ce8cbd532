//! The networks that attachments are or were on, and who is valid on each.

use std::collections::{BTreeMap, BTreeSet};

use spec::cni::{Command, ContainerId, NetworkConf, ValidAttachment, ValidAttachments};

use crate::{
    chain,
    delegate::Executor,
    error::Error,
    log::{Field, Log},
    record::Attachment,
};

/// Networks by their CNI name, which is what plugins keep their state by.
#[derive(Default)]
pub(super) struct Networks {
    confs: BTreeMap<String, NetworkConf>,
    valid: BTreeMap<String, BTreeSet<ValidAttachment>>,
    cluster: BTreeSet<String>,
}

impl Networks {
    /// Takes the attachments of a live sandbox down. Says whether the network of each is known.
    pub(super) fn keep(&mut self, id: &ContainerId, attachments: &[Attachment]) -> bool {
        let mut is_known = true;
        for attachment in attachments {
            let Some(name) = self.mention(attachment) else {
                // Without a name plugins keep nothing apart, so that none can be collected of.
                is_known &= NetworkConf::parse(&attachment.conf).is_ok();
                continue;
            };
            let valid = ValidAttachment {
                container_id: id.to_string(),
                interface: attachment.interface.to_string(),
            };
            self.valid.entry(name).or_default().insert(valid);
        }
        is_known
    }

    /// Takes the networks of attachments down that are not valid any more.
    pub(super) fn mention_all(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            self.mention(attachment);
        }
    }

    /// Takes the networks of today's configuration down, the cluster network first.
    pub(super) fn mention_configured(&mut self, confs: Vec<NetworkConf>) {
        for (index, conf) in confs.into_iter().enumerate() {
            let name = self.mention_conf(conf);
            self.cluster.extend(name.filter(|_| index == 0));
        }
    }

    fn mention(&mut self, attachment: &Attachment) -> Option<String> {
        let conf = NetworkConf::parse(&attachment.conf).ok()?;
        let name = self.mention_conf(conf)?;
        if attachment.default {
            self.cluster.insert(name.clone());
        }
        Some(name)
    }

    fn mention_conf(&mut self, conf: NetworkConf) -> Option<String> {
        let name = conf.name()?.to_string();
        self.confs.insert(conf.to_json(), conf);
        Some(name)
    }

    /// Has each network collect. A network whose configuration has changed over time collects once for each.
    ///
    /// The runtime's own list, `listed`, is every cluster network's: there may be pods on it that were never recorded here,
    /// because the runtime attached them before this plugin was installed.
    pub(super) fn collect(
        &self,
        executor: &Executor,
        listed: &ValidAttachments,
        log: &Log<'_>,
    ) -> Vec<Error> {
        let collected = self.confs.values().map(|conf| {
            let name = conf.name().map(ToString::to_string).unwrap_or_default();
            if conf.takes(Command::Gc) {
                log.verbose("network is cleaned up", &[("network", Field::Text(&name))]);
            }
            let recorded = self.valid.get(&name).into_iter().flatten();
            let unrecorded = listed.iter().filter(|_| self.cluster.contains(&name));
            let valid: BTreeSet<ValidAttachment> = recorded.chain(unrecorded).cloned().collect();
            chain::gc(executor, &name, conf, &valid.into_iter().collect())
        });
        collected.filter_map(Result::err).collect()
    }
}
