//! CHECK: every recorded attachment, and the default routes that were set for it.

use std::time::Instant;

use spec::cni::{Command, Invocation, NetworkConf};

use crate::{
    chain,
    deadline::Deadline,
    default_route,
    delegate::{Executor, Sandbox},
    error::Error,
    log::Log,
    multus,
    net_conf::State,
    record::{self, Attachment, Record},
    sandbox_file::{Opened, Sandboxes},
};

/// Checks the sandbox's attachments, in the order of ADD.
///
/// # Errors
/// The sandbox is not attached, or everything that is amiss.
pub fn check(state: &State, invocation: &Invocation, log: &Log<'_>) -> Result<(), Error> {
    let deadline = Deadline::from(Instant::now(), state.timeout);
    let Recorded { record, is_own } = recorded(state, invocation, deadline.end)?;
    let executor = Executor::new(
        state,
        Some(Sandbox::of(invocation)),
        &invocation.path,
        deadline.end,
    );
    let mut errors = Vec::new();
    for attachment in &record.attachments {
        record::log(attachment, Command::Check, log);
        errors.extend(check_one(&executor, attachment).err());
    }
    if is_own {
        errors.extend(check_routes(invocation, &record).err());
    }
    Error::all(errors)
}

/// What is known of a sandbox.
struct Recorded {
    record: Record,
    /// Whether this plugin attached it. Multus leaves default routes that it was asked to replace, and a pod that has lived
    /// with them is not called broken.
    is_own: bool,
}

fn recorded(state: &State, invocation: &Invocation, until: Instant) -> Result<Recorded, Error> {
    let id = &invocation.container_id;
    let sandboxes = Sandboxes::new(&state.cni_dir);
    let not_attached = || Error::NotAttached {
        container: id.to_string(),
        interface: invocation.interface.clone(),
        path: sandboxes.path(id),
    };
    let opened = sandboxes.open(id, state.patience(until))?;
    if let Opened::File(mut file) = opened {
        if !file.is_locked() {
            return Err(Error::Busy {
                container: id.to_string(),
            });
        }
        let record = file.read().map_err(|problem| Error::Record {
            attempted: "understood",
            path: file.path().to_owned(),
            problem,
        })?;
        return if record.is_about(&invocation.interface) {
            Ok(Recorded {
                record,
                is_own: true,
            })
        } else {
            Err(not_attached())
        };
    }
    // A pod that Multus attached before this plugin took its place.
    let sandbox = multus::Sandbox::of(state, invocation);
    match multus::scratch::read(&state.cni_dir, &sandbox) {
        Ok(Some(imported)) => Ok(Recorded {
            record: Record {
                attachments: imported.attachments,
                ..record::intend(id.clone(), invocation.netns.clone(), None, &[])
            },
            is_own: false,
        }),
        Ok(None) => Err(not_attached()),
        Err(problem) => Err(Error::Record {
            attempted: "recovered",
            path: state.cni_dir.join(id.as_str()),
            problem,
        }),
    }
}

/// Checks one attachment.
///
/// # Errors
/// Its ADD did not get through, or a plugin finds something amiss.
pub(crate) fn check_one(executor: &Executor, attachment: &Attachment) -> Result<(), Error> {
    if attachment.result.is_none() {
        return Err(Error::NeverAttached {
            network: attachment.name.clone(),
            interface: attachment.interface.clone(),
        });
    }
    let conf = NetworkConf::parse(&attachment.conf).map_err(|problem| Error::DelegateConf {
        network: attachment.name.clone(),
        problem,
    })?;
    chain::check(executor, &conf, attachment)
}

fn check_routes(invocation: &Invocation, record: &Record) -> Result<(), Error> {
    let requested: Vec<_> = record
        .attachments
        .iter()
        .map(|attachment| (&attachment.interface, attachment.default_route.as_deref()))
        .collect();
    let changes = default_route::changes(&requested)?;
    let netns = invocation.netns.as_deref().unwrap_or_default();
    for (attachment, change) in record.attachments.iter().zip(&changes) {
        let interfaces = attachment.interfaces();
        default_route::check(netns, &interfaces, &attachment.interface, change).map_err(
            |problem| Error::Route {
                network: attachment.name.clone(),
                problem,
            },
        )?;
    }
    Ok(())
}
