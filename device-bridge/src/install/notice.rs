//! What an operator is told about the configuration, each thing once until it changes.

use std::fmt;

/// Something that is not as it should be, or that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A file that cannot be the primary.
    PassedOver {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// There is no primary yet.
    NoPrimary {
        /// The folder.
        folder: String,
        /// The file, if one is named.
        wanted: Option<String>,
        /// Whether Multus's configuration is there and not to be replaced.
        has_multus: bool,
    },
    /// The primary is broken; the last good one stays.
    Broken {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The primary is gone; the last good one stays.
    Gone {
        /// The file.
        file: String,
    },
    /// It cannot be made.
    Ungenerated {
        /// Why.
        why: String,
    },
    /// Multus had another primary than the one that was chosen.
    OtherPrimary {
        /// Multus's.
        multus: String,
        /// Ours.
        chosen: String,
    },
    /// Multus's files cannot be taken over.
    MultusRefused {
        /// Which, and why.
        why: String,
    },
    /// Multus is to be taken over from, and nothing of it is there.
    NothingOfMultus {
        /// Where its configuration is looked for.
        folder: String,
    },
    /// Multus keeps its files elsewhere than the flag says that records are.
    OtherCniDir {
        /// Multus's folder.
        multus: String,
        /// The flag's, where it is written into the configuration.
        ours: Option<String>,
    },
    /// Somebody else changed or removed our file, and it is put back.
    TakenOver {
        /// Our file.
        file: String,
        /// Whether it was removed.
        removed: bool,
    },
    /// The same, again, and we wait before it is put back.
    Contended {
        /// Our file, or the one that sorts before it.
        file: String,
    },
    /// A file sorts before ours, so that runtimes take it.
    Before {
        /// The file.
        file: String,
        /// Ours.
        ours: String,
        /// Whether it executes Multus, or us.
        is_multiplexer: bool,
    },
}

impl Notice {
    /// Whether pods get less than they ask for, or other things than they should, as long as it lasts.
    #[must_use]
    pub const fn is_unready(&self) -> bool {
        self.obstacle().is_some()
    }

    /// The same in a word, by which programs know it.
    #[must_use]
    pub const fn obstacle(&self) -> Option<&'static str> {
        match self {
            Self::NoPrimary { .. } => Some("ClusterNetworkMissing"),
            Self::MultusRefused { .. } => Some("MultusRefused"),
            Self::NothingOfMultus { .. } => Some("NothingOfMultus"),
            Self::Ungenerated { .. } => Some("NotGenerated"),
            Self::Contended { .. } => Some("Contended"),
            Self::Before { .. } => Some("NotFirst"),
            Self::PassedOver { .. }
            | Self::Broken { .. }
            | Self::Gone { .. }
            | Self::OtherPrimary { .. }
            | Self::OtherCniDir { .. }
            | Self::TakenOver { .. } => None,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassedOver { file, why } => {
                write!(f, "{file} is not taken for the cluster network: {why}")
            }
            Self::NoPrimary {
                folder,
                wanted,
                has_multus,
            } => {
                match wanted {
                    Some(wanted) => write!(f, "{folder} has no usable {wanted} (--primary-conf)")?,
                    None => write!(f, "{folder} has no configuration of a cluster network")?,
                }
                write!(f, "; it is waited for")?;
                if *has_multus {
                    write!(
                        f,
                        "; there is Multus's configuration: give --adopt-multus to take its place"
                    )?;
                }
                Ok(())
            }
            Self::Broken { file, why } => write!(
                f,
                "{file}, the cluster network's configuration, is broken: {why}; the last good one stays in force"
            ),
            Self::Gone { file } => write!(
                f,
                "{file}, the cluster network's configuration, is gone; the last good one stays in force"
            ),
            Self::Ungenerated { why } => write!(f, "no configuration can be made: {why}"),
            Self::OtherPrimary { multus, chosen } => write!(
                f,
                "Multus used {multus} as the cluster network, which is not there or does not work, and {chosen} is taken; give --primary-conf to choose"
            ),
            Self::MultusRefused { why } => write!(
                f,
                "Multus's configuration cannot be taken over, and nothing is changed: {why}; repair it, or remove it and write its keys into --conf-keys"
            ),
            Self::NothingOfMultus { folder } => write!(
                f,
                "nothing is installed, as --adopt-multus finds nothing of Multus: no configuration in {folder}, in force or moved aside, and none of its daemon; what it restricted, such as namespaceIsolation, would be allowed. Mount its daemon's ConfigMap and give --multus-daemon-config; where the node never had Multus, give --multus-may-be-absent"
            ),
            Self::OtherCniDir { multus, ours } => match ours {
                Some(ours) => write!(
                    f,
                    "Multus keeps its files in {multus} and the plugin is told {ours} (--cni-dir): pods that Multus attached cannot be deleted; give --cni-dir {multus}"
                ),
                None => write!(
                    f,
                    "Multus keeps its files in {multus}, and so does the plugin from now on; give --cni-dir {multus}, for the agent and for uninstall"
                ),
            },
            Self::TakenOver { file, removed } => {
                let done = if *removed { "removed" } else { "changed" };
                write!(
                    f,
                    "another writer has {done} {file}, and it is put back; stop that writer from it (Cilium: cni.exclusive=false)"
                )
            }
            Self::Contended { file } => write!(
                f,
                "another writer goes on changing {file}; it is put back ever less often, and pods may be started without their networks; stop that writer (Cilium: cni.exclusive=false; Multus: remove its daemon)"
            ),
            Self::Before {
                file,
                ours,
                is_multiplexer,
            } => {
                write!(
                    f,
                    "{file} sorts before {ours}, so runtimes take it and pods get no networks of ours; "
                )?;
                if *is_multiplexer {
                    write!(f, "remove what writes it, or give --adopt-multus")
                } else {
                    write!(f, "give a --conf-name that sorts before it")
                }
            }
        }
    }
}
