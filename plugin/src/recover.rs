//! What can be known of a sandbox whose record is missing or torn: Multus's scratch file, the results that libcni keeps, and
//! at last the configuration itself.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use spec::{
    bridge::Answer,
    cni::{AddResult, Invocation, RUNTIME_RESULTS, Version},
};

use crate::{
    delegates,
    error::Error,
    multus::{self, Imported, result_cache, scratch},
    net_conf::{NetConf, State},
    plan::plan,
    record::{self, Attachment},
};

/// How long the runtime may take to remove its result of a sandbox whose DEL has succeeded.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// What was found out.
#[derive(Debug)]
pub enum Found {
    /// Nothing says that the sandbox was ever attached.
    Nothing,
    /// Somebody wrote down what was attached.
    Written {
        /// The attachments, in the order of ADD as far as it is known.
        imported: Imported,
        /// Who, in words.
        source: &'static str,
    },
    /// The runtime says that the sandbox was attached, and perhaps the configuration what the cluster network is. What else
    /// there was nobody knows.
    Supposed {
        /// The attachments of the configuration, as far as it has them.
        attachments: Vec<Attachment>,
        /// Whether there cannot have been others.
        is_all: bool,
    },
}

/// Looks for traces of a sandbox.
///
/// # Errors
/// There are some that cannot be read: that is never taken for "nothing was attached".
pub fn recover(state: &State, invocation: &Invocation, stdin: &[u8]) -> Result<Found, Error> {
    let sandbox = multus::Sandbox::of(state, invocation);
    if let Some((imported, source)) = written(state, &sandbox)? {
        return Ok(Found::Written { imported, source });
    }
    if let Some(imported) = without_us(Path::new(RUNTIME_RESULTS), &sandbox) {
        return Ok(Found::Written {
            imported,
            source: "the result that the runtime kept",
        });
    }
    supposed(invocation, stdin)
}

/// Whether another DEL has taken everything away since the runtime began this one, which found a sandbox without a record: it
/// is waited for.
#[must_use]
pub fn is_undone(state: &State, invocation: &Invocation) -> bool {
    let sandbox = multus::Sandbox::of(state, invocation);
    undone_meanwhile(state, Path::new(RUNTIME_RESULTS), &sandbox, PATIENCE)
}

/// Whether another DEL has taken everything away since the runtime began this one.
///
/// Runtimes delete a sandbox by two calls at a time: the kubelet stops a pod and collects what has ended. Both get the result of
/// ADD, and libcni removes its file when the first of them has succeeded; its record is gone a moment earlier. Where the
/// runtime keeps its cache elsewhere nothing is told by it.
fn undone_meanwhile(
    state: &State,
    results: &Path,
    sandbox: &multus::Sandbox<'_>,
    patience: Duration,
) -> bool {
    let Some(network) = &state.name else {
        return false;
    };
    let until = Instant::now() + patience;
    while results.is_dir() {
        if !result_cache::is_there(results, network, sandbox) {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    false
}

/// The interface of a sandbox that was attached while this plugin was not there: before it was installed, or after it had
/// handed the node back. The runtime's cache in the folder `results` has the configuration that it executed then.
fn without_us(results: &Path, sandbox: &multus::Sandbox<'_>) -> Option<Imported> {
    // What cannot be read may be about us as well, and is asked of the configuration.
    let mut attachments = result_cache::find(results, sandbox).ok()?.attachments;
    attachments.retain(|attachment| attachment.interface == *sandbox.interface);
    (!attachments.is_empty()).then(|| Imported {
        attachments,
        ..Imported::default()
    })
}

/// What Multus wrote of a sandbox, and where, in words; none where it wrote nothing.
///
/// # Errors
/// There are files that cannot be read.
pub fn written(
    state: &State,
    sandbox: &multus::Sandbox<'_>,
) -> Result<Option<(Imported, &'static str)>, Error> {
    let scratch = scratch::read(&state.cni_dir, sandbox);
    if let Ok(Some(imported)) = scratch {
        return Ok(Some((imported, "Multus's scratch file")));
    }
    let results = multus::results(&state.cni_dir);
    let failed = |problem| Error::Record {
        attempted: "recovered",
        path: results.clone(),
        problem,
    };
    let mut imported = result_cache::find(&results, sandbox).map_err(failed)?;
    // What a torn scratch file was about is known only as far as there are results of it.
    imported.lost.extend(scratch.err());
    if imported.attachments.is_empty() && imported.lost.is_empty() {
        return Ok(None);
    }
    Ok(Some((imported, "the results that libcni kept")))
}

/// A runtime that hands the result of ADD over at DEL has seen ADD succeed (CNI specification, section 2, "DEL").
fn supposed(invocation: &Invocation, stdin: &[u8]) -> Result<Found, Error> {
    #[derive(serde::Deserialize)]
    struct WithResult {
        #[serde(rename = "prevResult")]
        result: Option<Box<serde_json::value::RawValue>>,
    }
    let result = serde_json::from_slice::<WithResult>(stdin)
        .ok()
        .and_then(|with| with.result);
    let Some(result) = result else {
        return Ok(Found::Nothing);
    };
    // The runtime's result serves those delegates that can read it; the others do without.
    let result = AddResult::parse(result.get(), Version::V1_1_0)
        .ok()
        .map(|(result, _)| result.to_json(Version::V1_1_0).to_string());
    let known = NetConf::parse(stdin).and_then(|conf| {
        let delegates = delegates::find(&conf, &[], Answer::default())?;
        let planned = plan(&conf, invocation, delegates)?;
        Ok((planned, nobody_else_was_asked(&conf)))
    });
    // A cluster network that is an object of the API server, for one, cannot be known here.
    let (planned, is_all) = known.unwrap_or_default();
    let mut record = record::intend(invocation.container_id.clone(), None, None, &planned);
    if let Some(first) = record.attachments.first_mut() {
        first.result = result;
    }
    Ok(Found::Supposed {
        attachments: record.attachments,
        is_all,
    })
}

/// Whether the configuration alone says what every sandbox gets.
fn nobody_else_was_asked(conf: &NetConf) -> bool {
    conf.kubeconfig.is_none()
        && !conf.bridge_expected
        && !conf.bridge_socket.exists()
        && conf.default_networks.is_empty()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use spec::cni::{Args, ContainerId, InterfaceName};

    use super::*;

    /// What a DEL of the sandbox `c1` is told.
    fn known() -> (State, ContainerId, InterfaceName, Args) {
        let state = State::parse(br#"{"cniVersion": "1.0.0", "name": "primary"}"#).unwrap();
        let (id, interface) = ("c1".parse().unwrap(), "eth0".parse().unwrap());
        (state, id, interface, Args::default())
    }

    /// A file of libcni.
    fn cached(network: &str, interface: &str, plugin: &str) -> Value {
        let conf = json!({"cniVersion": "1.0.0", "name": network, "plugins": [{"type": plugin}]});
        json!({"kind": "cniCacheV1", "containerId": "c1", "ifName": interface, "networkName": network,
            "config": STANDARD.encode(conf.to_string()), "result": {"cniVersion": "1.0.0"}})
    }

    #[test]
    fn another_del_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let (state, id, interface, args) = known();
        let sandbox = multus::Sandbox::new(&state, &id, &interface, &args);
        let undone = |results: &Path| undone_meanwhile(&state, results, &sandbox, LOOK);
        assert!(!undone(&folder.path().join("elsewhere")), "another cache");
        assert!(undone(folder.path()));
        let file = folder.path().join("primary-c1-eth0");
        fs::write(&file, cached("primary", "eth0", "polypod").to_string()).unwrap();
        assert!(!undone(folder.path()), "it was lost");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(5 * LOOK);
                fs::remove_file(&file).unwrap();
            });
            let patience = Duration::from_secs(60);
            assert!(undone_meanwhile(&state, folder.path(), &sandbox, patience));
        });
    }

    #[test]
    fn a_pod_of_before() {
        let folder = tempfile::tempdir().unwrap();
        let (state, id, interface, args) = known();
        let sandbox = multus::Sandbox::new(&state, &id, &interface, &args);
        let found = |files: &[(&str, &str, &str)]| {
            for (network, interface, plugin) in files {
                let path = folder.path().join(format!("{network}-c1-{interface}"));
                fs::write(path, cached(network, interface, plugin).to_string()).unwrap();
            }
            let attachments = without_us(folder.path(), &sandbox).map(|found| found.attachments);
            attachments.map(|all| {
                let name = |one: &Attachment| (one.name.clone(), one.interface.to_string());
                all.iter().map(name).collect::<Vec<_>>()
            })
        };
        assert_eq!(found(&[]), None);
        // Ours has a record, or did, and others' interfaces are the runtime's to delete.
        let ours = ("primary", "eth0", "polypod");
        let of_multus = ("multus-cni-network", "eth0", "multus");
        assert_eq!(
            found(&[ours, of_multus, ("second", "eth1", "bridge")]),
            None
        );
        let before = ("primary", "eth0", "bridge");
        let attached = vec![("primary".to_owned(), "eth0".to_owned())];
        assert_eq!(found(&[before]), Some(attached));
        fs::write(folder.path().join("primary-c1-eth0"), "{").unwrap();
        assert_eq!(found(&[]), None);
    }
}
