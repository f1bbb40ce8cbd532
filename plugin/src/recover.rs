//! What can be known of a sandbox whose record is missing or torn: Multus's scratch file, the results that libcni keeps, and
//! at last the configuration itself.

use spec::{
    bridge::Answer,
    cni::{AddResult, Invocation, Version},
};

use crate::{
    delegates,
    error::Error,
    multus::{self, Imported, result_cache, scratch},
    net_conf::{NetConf, State},
    plan::plan,
    record::{self, Attachment},
};

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
    match written(state, &sandbox)? {
        Some((imported, source)) => Ok(Found::Written { imported, source }),
        None => supposed(invocation, stdin),
    }
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
