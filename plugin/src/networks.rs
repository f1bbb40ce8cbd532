//! The networks that sandboxes are or were on, and which attachments are valid on each: what GC tells their plugins.

use std::collections::{BTreeMap, BTreeSet};

use spec::cni::{ContainerId, NetworkConf, ValidAttachment};

use crate::{
    chain,
    delegate::Executor,
    error::Error,
    log::{Field, Log},
    record::Attachment,
};

/// The networks that attachments are or were on, and who is valid on each.
#[derive(Debug, Default)]
pub(crate) struct Networks {
    confs: BTreeMap<String, NetworkConf>,
    valid: BTreeMap<String, BTreeSet<ValidAttachment>>,
}

impl Networks {
    /// Attachments that are valid.
    pub(crate) fn keep(&mut self, id: &ContainerId, attachments: &[Attachment]) {
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

    /// Attachments that are gone; their networks have something to collect.
    pub(crate) fn mention(&mut self, attachments: &[Attachment]) {
        for attachment in attachments {
            if let Ok(conf) = NetworkConf::parse(&attachment.conf) {
                self.mention_conf(conf);
            }
        }
    }

    /// Takes a network down, and says its name.
    pub(crate) fn mention_conf(&mut self, conf: NetworkConf) -> Option<String> {
        let name = conf.name()?.to_string();
        self.confs.insert(conf.to_json(), conf);
        Some(name)
    }

    pub(crate) fn valid(&mut self, name: &str, attachment: ValidAttachment) {
        self.valid
            .entry(name.to_owned())
            .or_default()
            .insert(attachment);
    }

    /// Has each network of `only`, or each at all, collect. A network whose configuration has changed over time collects once
    /// for each.
    pub(crate) fn collect(
        &self,
        executor: &Executor,
        only: Option<&str>,
        log: &Log<'_>,
    ) -> Vec<Error> {
        let collected = self.confs.values().map(|conf| {
            let name = conf.name().map(ToString::to_string).unwrap_or_default();
            if only.is_some_and(|only| only != name) {
                return Ok(());
            }
            log.verbose("network collects", &[("network", Field::Text(&name))]);
            let valid = self.valid.get(&name).into_iter().flatten();
            chain::gc(executor, &name, conf, &valid.cloned().collect())
        });
        collected.filter_map(Result::err).collect()
    }
}
