//! Plugs an interface into a pod that runs, and unplugs it.
//!
//! The attachment becomes one more of the sandbox's own record. So it is taken away with the sandbox, or collected by GC,
//! even where whoever plugged it in never comes back; and it is written down before its delegate is executed, as all are.
//! Nobody is asked what the pod gets, and nobody is told: who asks knows the network and writes the pod's network-status. How
//! long it took is in the result.

mod problem;
mod request;
mod sandbox;

use std::time::Instant;

use spec::{
    bridge::{AttachmentTimes, Times},
    cni::{AddResult, Command, Invocation, NetworkConf, NetworkName, Version},
};

pub use self::{problem::HotplugProblem, request::HotplugRequest};
use self::{request::delegate, sandbox::Sandbox};
use crate::{
    attach, chain, check,
    deadline::Deadline,
    default_route,
    delegate::{self, Executor},
    detach::detach,
    error::Error,
    log::{Carried, Field, Log},
    net_conf::NetConf,
    netns,
    plan::{Planned, plan_one},
    question,
    record::{self, Attachment, Record},
    sandbox_file::SandboxFile,
    stopwatch::Stopwatch,
};

/// Attaches one network to a sandbox that is attached already, and says how long that took since `watch` began.
///
/// # Errors
/// Whatever keeps the sandbox from that network. Then nothing of it is left, or the record says what.
pub fn add(
    conf: &NetConf,
    request: &HotplugRequest,
    invocation: &Invocation,
    watch: Stopwatch,
    log: &Log<'_>,
) -> Result<(AddResult, Times), Error> {
    let deadline = Deadline::from(Instant::now(), conf.state.timeout);
    let pod = question::pod(&invocation.args)?;
    let planned = plan_one(conf, invocation, delegate(conf)?, request)?;
    let executor = executor(conf, invocation, deadline.attaching);
    executor.check_plugins(&planned.name, &planned.conf)?;
    let sandboxes = Sandbox::new(conf, invocation, deadline.attaching);
    let (file, record) = sandboxes.of_running(pod.as_ref())?;
    sandboxes.check_namespace(&record)?;
    let (file, record) = without_leftovers(&executor, file, record, &planned, log)?;
    let there = [planned.clone()];
    let netns = invocation.netns.as_deref().unwrap_or_default();
    netns::check_interfaces_are_free(netns, &there)?;
    let (mut file, mut record) = intend(&sandboxes, file, record, &planned, invocation)?;
    let index = record.attachments.len() - 1;
    match carry_out(&executor, &mut file, &record, index, &planned, log) {
        Ok((result, timed)) => Ok((result, watch.times(std::iter::once(timed)))),
        Err(cause) => {
            let executor = Executor {
                until: deadline.end,
                ..executor
            };
            let failed = record.attachments.split_off(index);
            let mut left = detach(&executor, failed, log);
            record.attachments.append(&mut left.attachments);
            left.errors.extend(file.replace(&record).err());
            Err(if left.errors.is_empty() {
                cause
            } else {
                Error::NotUndone {
                    cause: Box::new(cause),
                    left: left.errors,
                }
            })
        }
    }
}

/// Takes one network away from a sandbox that goes on. What is not there is taken away already.
///
/// # Errors
/// It is the cluster network, the interface belongs to another network or nobody knows to whom, or a delegate failed; then the
/// record has it still.
pub fn del(conf: &NetConf, invocation: &Invocation, log: &Log<'_>) -> Result<(), Error> {
    let deadline = Deadline::from(Instant::now(), conf.state.timeout);
    let wanted = delegate(conf)?;
    let mut executor = executor(conf, invocation, deadline.end);
    let sandboxes = Sandbox::new(conf, invocation, deadline.attaching);
    let Some((file, mut record)) = sandboxes.recorded()? else {
        return foreign(conf, &sandboxes, &executor, invocation, log);
    };
    let Some(index) = position(&record, invocation) else {
        // All that a sandbox of our own has is written down.
        if record.network.is_some() {
            return Ok(());
        }
        // What remembers that a loss was told is no sandbox.
        if record.attachments.is_empty() {
            return sandboxes.nobodys();
        }
        return as_asked(conf, &executor, invocation, log);
    };
    let found = &record.attachments[index];
    if found.default {
        let interface = found.interface.clone();
        return Err(HotplugProblem::ClusterNetwork { interface }.into());
    }
    check_network(found, wanted)?;
    executor.path.extend(record.path.iter().cloned());
    let gone = vec![record.attachments.remove(index)];
    let mut left = detach(&executor, gone, log);
    let is_left = !left.attachments.is_empty();
    if is_left {
        record
            .attachments
            .splice(index..index, left.attachments.drain(..));
    }
    left.errors.extend(file.replace(&record).err());
    Error::all(left.errors)
}

/// Checks one network of a sandbox.
///
/// # Errors
/// It is not attached, or a delegate finds something amiss.
pub fn check(conf: &NetConf, invocation: &Invocation, log: &Log<'_>) -> Result<(), Error> {
    let deadline = Deadline::from(Instant::now(), conf.state.timeout);
    let executor = executor(conf, invocation, deadline.end);
    let sandboxes = Sandbox::new(conf, invocation, deadline.attaching);
    let recorded = sandboxes.recorded()?;
    let attachment = recorded.as_ref().and_then(|(_, record)| {
        let index = position(record, invocation)?;
        record.attachments.get(index)
    });
    let Some(attachment) = attachment else {
        return Err(sandboxes.not_attached());
    };
    record::log(attachment, Command::Check, log);
    check_network(attachment, delegate(conf)?)?;
    check::check_one(&executor, attachment)
}

fn executor(conf: &NetConf, invocation: &Invocation, until: Instant) -> Executor {
    let sandbox = delegate::Sandbox::of(invocation);
    Executor::new(&conf.state, Some(sandbox), &invocation.path, until)
}

fn position(record: &Record, invocation: &Invocation) -> Option<usize> {
    let mut attachments = record.attachments.iter();
    attachments.position(|attachment| attachment.interface == invocation.interface)
}

fn check_network(found: &Attachment, wanted: &NetworkConf) -> Result<(), Error> {
    let conf = NetworkConf::parse(&found.conf).ok();
    let attached = conf.as_ref().and_then(NetworkConf::name);
    if attached == wanted.name() {
        return Ok(());
    }
    let shown = |name: Option<&NetworkName>| name.map(ToString::to_string).unwrap_or_default();
    Err(HotplugProblem::OtherNetwork {
        interface: found.interface.clone(),
        attached: shown(attached),
        asked: shown(wanted.name()),
    }
    .into())
}

/// What a killed ADD of the same interface has left is taken away first; one that got through stays.
fn without_leftovers(
    executor: &Executor,
    file: SandboxFile,
    mut record: Record,
    planned: &Planned,
    log: &Log<'_>,
) -> Result<(SandboxFile, Record), Error> {
    let mut attachments = record.attachments.iter();
    let Some(index) = attachments.position(|other| other.interface == planned.interface) else {
        return Ok((file, record));
    };
    if record.attachments[index].result.is_some() || record.attachments[index].default {
        return Err(Error::InterfaceTaken {
            first: record.attachments[index].name.clone(),
            second: planned.name.clone(),
            interface: planned.interface.clone(),
        });
    }
    log.warning(
        "an ADD of this interface was cut short; what it made is taken away first",
        &[("interface", Field::Text(planned.interface.as_str()))],
    );
    // It stays written down until the new intent replaces it.
    let leftover = vec![record.attachments.remove(index)];
    Error::all(detach(executor, leftover, log).errors).map(|()| (file, record))
}

/// Writes down what is about to be attached. The file is another one then, and is locked again before anything is done.
fn intend(
    sandboxes: &Sandbox<'_>,
    file: SandboxFile,
    mut record: Record,
    planned: &Planned,
    invocation: &Invocation,
) -> Result<(SandboxFile, Record), Error> {
    for folder in &invocation.path {
        if !record.path.contains(folder) {
            record.path.push(folder.clone());
        }
    }
    record.attachments.push(record::intended(planned));
    file.replace(&record)?;
    drop(file);
    match sandboxes.recorded()? {
        Some((file, found)) if found == record => Ok((file, record)),
        Some(_) => Err(sandboxes.busy()),
        None => Err(sandboxes.deleted()),
    }
}

fn carry_out(
    executor: &Executor,
    file: &mut SandboxFile,
    record: &Record,
    index: usize,
    planned: &Planned,
    log: &Log<'_>,
) -> Result<(AddResult, (AttachmentTimes, Instant)), Error> {
    let attachment = &record.attachments[index];
    let requested: Vec<_> = record
        .attachments
        .iter()
        .map(|other| (&other.interface, other.default_route.as_deref()))
        .collect();
    let changes = default_route::changes(&requested)?;
    let mut made = chain::add(executor, &planned.conf, attachment, 0)?;
    let timed = (attach::times(planned, &mut made), made.began);
    let mut result = made.result;
    // What the pod's own networks decided about default routes holds for this one too.
    if !changes[index].is_nothing() {
        let netns = record.netns.as_deref().unwrap_or_default();
        let interfaces = result.sandbox_names();
        default_route::apply(netns, &interfaces, &planned.interface, &changes[index]).map_err(
            |problem| Error::Route {
                network: planned.name.clone(),
                problem,
            },
        )?;
        default_route::correct(&mut result, &changes[index]);
    }
    let json = result.to_json(Version::V1_1_0);
    log.attachment(
        Command::Add,
        &planned.name,
        planned.conf.name().map_or("", NetworkName::as_str),
        &planned.interface,
        || Carried::Result(json.clone()),
    );
    file.attached(index, &json.to_string())?;
    Ok((result, timed))
}

/// The sandbox has no record of ours: what Multus plugged into it is taken away as Multus would, by the configuration that
/// the request brings. One that Multus did not attach either is left alone.
fn foreign(
    conf: &NetConf,
    sandboxes: &Sandbox<'_>,
    executor: &Executor,
    invocation: &Invocation,
    log: &Log<'_>,
) -> Result<(), Error> {
    let Some(imported) = sandboxes.imported()? else {
        return sandboxes.nobodys();
    };
    let mut attachments = imported.attachments.iter();
    // What was written of it may be lost.
    if invocation.interface == sandbox::cluster_interface()
        || attachments.any(|one| one.default && one.interface == invocation.interface)
    {
        let interface = invocation.interface.clone();
        return Err(HotplugProblem::ClusterNetwork { interface }.into());
    }
    as_asked(conf, executor, invocation, log)
}

fn as_asked(
    conf: &NetConf,
    executor: &Executor,
    invocation: &Invocation,
    log: &Log<'_>,
) -> Result<(), Error> {
    let request = conf.hotplug.clone().unwrap_or_default();
    let planned = plan_one(conf, invocation, delegate(conf)?, &request)?;
    Error::all(detach(executor, vec![record::intended(&planned)], log).errors)
}

#[cfg(test)]
mod tests;
