//! Why a node is not installed, or not uninstalled.

use std::{io, path::PathBuf};

use super::{keys::KeysError, multus_conf::MultusError, settings::SettingsError};

/// Why a node is not installed, or not uninstalled.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The command line.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It is not known where the plugin is.
    #[error("cannot find this program's own executable: {0}; give --plugin-binary")]
    OwnExecutable(#[source] io::Error),
    /// The file with keys.
    #[error("cannot read {}: {source} (--conf-keys)", path.display())]
    KeysFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is in it.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// What Multus's daemon has of its own.
    #[error(
        "nothing is changed, as it is not known what Multus's daemon takes for its cluster network: {0}; correct that file, name another one (--multus-daemon-config), or give --force"
    )]
    MultusDaemon(#[from] MultusError),
    /// A folder of configurations.
    #[error("cannot read the folder {}: {source} (--cni-conf-dir, --primary-conf-dir, --host-root)", folder.display())]
    ConfFolder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A configuration, or what stands beside it.
    #[error("cannot change {}: {source}", path.display())]
    Conf {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `install --once` could not do all of it.
    #[error("not installed: {}", problems.join("; "))]
    NotInstalled {
        /// What is wrong.
        problems: Vec<String>,
    },
    /// The runtime would be left without a configuration.
    #[error(
        "{} stays, as no other usable configuration would be left in its folder and no pod could start{}; put the cluster network's configuration there, or give --force", path.display(),
        faults.iter().map(|fault| format!(" ({fault})")).collect::<String>()
    )]
    NothingLeft {
        /// Our configuration.
        path: PathBuf,
        /// What is wrong with those that are there.
        faults: Vec<String>,
    },
    /// The runtime would be left with a broken configuration before all others.
    #[error(
        "{} stays, as without it {} would be the first configuration of its folder, which does not work ({fault}), and some runtimes take no other then; repair or remove that and call uninstall again, or give --force", path.display(), first.display()
    )]
    BrokenFirst {
        /// Our configuration.
        path: PathBuf,
        /// The one that would be first.
        first: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// Sandboxes still need the plugin.
    #[error(
        "the node is handed back, but the plugin stays in {}: {count} sandboxes in {} were attached by it; delete their pods and call uninstall again, or give --force", bin_dir.display(), records.display()
    )]
    Sandboxes {
        /// Where the plugin is.
        bin_dir: PathBuf,
        /// Where the records are.
        records: PathBuf,
        /// How many.
        count: usize,
    },
    /// Sandboxes have what the cluster network's own plugin would not take away.
    #[error(
        "{what_stays} as sandboxes in {} have networks that the cluster network does not know of, and would leave behind what they have: {}; {advice}, or give --force", records.display(), holding.join("; ")
    )]
    Attached {
        /// What is as it was.
        what_stays: &'static str,
        /// Where the records are.
        records: PathBuf,
        /// The sandboxes, by their pods.
        holding: Vec<String>,
        /// What to do.
        advice: &'static str,
    },
    /// Somebody would undo it.
    #[error(
        "nothing is changed, as a node agent, or an install that goes on, still has {} after {seconds} seconds, and would undo it; end it and call this again (kubectl delete daemonset --cascade=foreground returns when its pods have ended)", socket.display()
    )]
    AgentRuns {
        /// The bridge socket, as this process sees it.
        socket: PathBuf,
        /// How long it was waited.
        seconds: u64,
    },
    /// A configuration that executes us by another name.
    #[error(
        "{file} executes the plugin as {program}, so both stay; write another configuration, or give --force"
    )]
    StillExecuted {
        /// The configuration.
        file: String,
        /// The alias.
        program: String,
    },
    /// There is nothing to give back.
    #[error(
        "{} has no configuration of Multus, neither in force nor moved aside; where its daemon writes one, start it first; to hand the node to its cluster network alone, call uninstall", folder.display()
    )]
    NoMultus {
        /// The folder of configurations.
        folder: PathBuf,
    },
    /// What Multus has made needs what would be removed.
    #[error(
        "nothing is changed, as {} has {ours} for its cluster network, which goes, and no other configuration of Multus is there; name the cluster network's file in Multus's own configuration (daemon: multusMasterCNI in daemon-config.json, and no clusterNetwork beside it that is ours; thin: --multus-master-cni-file-name), restart Multus's pod of this node, and call it again", path.display()
    )]
    MultusOnOurs {
        /// Multus's configuration.
        path: PathBuf,
        /// Our file's name.
        ours: String,
    },
    /// Multus's program is not there.
    #[error(
        "nothing is changed, as {} executes {}, which is not there, and no pod could start; let Multus's installer run first, or give --force", path.display(), program.display()
    )]
    NoMultusProgram {
        /// Multus's configuration.
        path: PathBuf,
        /// The program.
        program: PathBuf,
    },
    /// Multus's daemon is not there.
    #[error(
        "nothing is changed, as {} needs Multus's daemon, which does not listen on {}, and no pod could start; start it first (in a container: mount that folder below --host-root), or give --force", path.display(), socket.display()
    )]
    NoMultusDaemon {
        /// Multus's configuration.
        path: PathBuf,
        /// Its socket.
        socket: PathBuf,
    },
    /// What was to be in force was taken away.
    #[error(
        "{ours} stays, as {}, which was to be in force instead, is gone or is another one since it was looked at; look for who removes it, and call it again", path.display()
    )]
    MultusGone {
        /// Multus's configuration.
        path: PathBuf,
        /// Our file's name.
        ours: String,
    },
    /// Where records may be is not to be seen.
    #[error(
        "nothing is changed, as a configuration keeps what is known of pods in {}, and there is no {}; mount it below --host-root, or give --force if no pod was attached by it", cni_dir.display(), here.display()
    )]
    NoCniDir {
        /// `cniDir`, as the node has it.
        cni_dir: PathBuf,
        /// The same, as this process would see it.
        here: PathBuf,
    },
    /// What the runtime would have the plugin delete is not to be seen.
    #[error(
        "nothing is changed, as the runtime may still have the plugin delete sandboxes, which it keeps in {}, and there is no {}; mount it below --host-root (as a hostPath of type DirectoryOrCreate where the runtime has not made it yet), or give --force if no pod was attached by the plugin", cache.display(), here.display()
    )]
    NoRuntimeCache {
        /// The runtime's cache, as the node has it.
        cache: PathBuf,
        /// The same, as this process would see it.
        here: PathBuf,
    },
    /// Sandboxes that Multus could not delete.
    #[error(
        "{} in {} cannot be handed over to Multus, which would leave behind what they have: {problem}; delete their pods and call it again, or give --force", count.map_or_else(|| "sandboxes".to_owned(), |count| format!("{count} sandboxes")), records.display()
    )]
    NotHandedOver {
        /// Where their records are.
        records: PathBuf,
        /// How many, where it is known.
        count: Option<usize>,
        /// Why.
        problem: String,
    },
    /// The loop.
    #[error("the installer ended: {0}")]
    Ended(String),
}
