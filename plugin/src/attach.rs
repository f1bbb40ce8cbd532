//! Makes the planned attachments: one after another, or those together that allow it.

use std::{path::Path, sync::Mutex, time::Instant};

use spec::{
    bridge::AttachmentTimes,
    cni::{AddResult, Command, NetworkName, Version},
};

use crate::{
    chain::{self, Made},
    default_route::{self, RouteChange},
    delegate::Executor,
    device_info,
    error::Error,
    log::{Carried, Field, Log},
    plan::Planned,
    record::{Attachment, Record},
    sandbox_file::SandboxFile,
    stopwatch::micros,
};

/// What attaching works with.
#[derive(Debug)]
pub struct Work<'a> {
    /// Executes the plugins.
    pub executor: &'a Executor,
    /// What is to be made, in order.
    pub planned: &'a [Planned],
    /// What becomes of the default routes of each.
    pub routes: &'a [RouteChange],
    /// How many that allow it are made at once.
    pub at_once: usize,
    /// `deviceInfoDir`.
    pub device_info_dir: &'a Path,
    /// Is told of every attachment.
    pub log: &'a Log<'a>,
}

/// What came of attaching, in the order of the plan.
#[derive(Debug, Default)]
pub struct Attached {
    /// The results.
    pub results: Vec<AddResult>,
    /// How long each took, and when it was begun.
    pub times: Vec<(AttachmentTimes, Instant)>,
}

/// An ADD that did not get through.
#[derive(Debug)]
pub struct Broken {
    /// Why.
    pub cause: Error,
    /// How many attachments, from the first one on, may have left something.
    pub begun: usize,
}

/// Makes all attachments. The specification forbids operations on one container at the same time, so they are made one
/// after another; neighbours that are marked as safe may be made together. Each result is taken down as soon as it is known.
///
/// # Errors
/// The first attachment that failed, in the order of the plan.
pub fn attach(
    work: &Work<'_>,
    file: &mut SandboxFile,
    record: &mut Record,
) -> Result<Attached, Broken> {
    let mut attached = Attached::default();
    while attached.results.len() < work.planned.len() {
        let first = attached.results.len();
        let group = first..first + together(&work.planned[first..], work.at_once);
        let begun = group.end;
        let broken = |cause| Broken { cause, begun };
        let made = make(work, &record.attachments[group.clone()], group.start);
        let mut failure = None;
        for (index, made) in group.zip(made) {
            let finished = made.and_then(|(made, times)| {
                let result = finish(work, file, record, index, made.result)?;
                Ok((result, (times, made.began)))
            });
            match finished {
                Ok((result, times)) if failure.is_none() => {
                    attached.results.push(result);
                    attached.times.push(times);
                }
                Ok(_) => {}
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        if let Some(cause) = failure {
            return Err(broken(cause));
        }
    }
    Ok(attached)
}

/// How many of the attachments that come next are made together.
fn together(planned: &[Planned], at_once: usize) -> usize {
    if at_once < 2 {
        return 1;
    }
    planned
        .iter()
        .take_while(|planned| planned.parallel)
        .count()
        .max(1)
}

/// The attachments of a group, in their order.
fn make(
    work: &Work<'_>,
    group: &[Attachment],
    start: usize,
) -> Vec<Result<(Made, AttachmentTimes), Error>> {
    let one = |index: usize| make_one(work, start + index, &group[index]);
    if group.len() == 1 {
        return vec![one(0)];
    }
    let next = Mutex::new(0..group.len());
    let worker = || {
        let mut made = Vec::new();
        loop {
            let Some(index) = next.lock().ok().and_then(|mut next| next.next()) else {
                return made;
            };
            made.push((index, one(index)));
        }
    };
    let mut made = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..work.at_once.min(group.len()))
            .map(|_| scope.spawn(worker))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect::<Vec<_>>()
    });
    made.sort_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, made)| made).collect()
}

fn make_one(
    work: &Work<'_>,
    index: usize,
    recorded: &Attachment,
) -> Result<(Made, AttachmentTimes), Error> {
    let planned = &work.planned[index];
    if let (Some(file), Some(device)) = (&planned.device_info, &planned.device)
        && let Err(problem) =
            device_info::copy_in(work.device_info_dir, &device.resource, &device.id, file)
    {
        // What a device plugin wrote wrongly is missed by those who read it, not by the network.
        work.log.warning(
            "the device plugin's device-info file is not handed over",
            &[
                ("network", Field::Text(&planned.name)),
                ("error", Field::Shown(&problem)),
            ],
        );
    }
    let mut made = chain::add(work.executor, &planned.conf, recorded, index)?;
    let times = times(planned, &mut made);
    Ok((made, times))
}

/// How long an attachment took that has just been made. When it began is in `made`.
pub(crate) fn times(planned: &Planned, made: &mut Made) -> AttachmentTimes {
    AttachmentTimes {
        network: planned.name.clone(),
        interface: planned.interface.clone(),
        device: planned.device.as_ref().map(|device| device.id.clone()),
        after_us: 0,
        took_us: micros(made.began.elapsed()),
        delegates: std::mem::take(&mut made.delegates),
    }
}

/// What is left to do once the plugins are through: default routes, and the record.
fn finish(
    work: &Work<'_>,
    file: &mut SandboxFile,
    record: &mut Record,
    index: usize,
    mut result: AddResult,
) -> Result<AddResult, Error> {
    let change = &work.routes[index];
    let planned = &work.planned[index];
    if !change.is_nothing() {
        let netns = record.netns.as_deref().unwrap_or_default();
        default_route::apply(netns, &result.sandbox_names(), &planned.interface, change).map_err(
            |problem| Error::Route {
                network: planned.name.clone(),
                problem,
            },
        )?;
        default_route::correct(&mut result, change);
    }
    let text = result.to_json(Version::V1_1_0).to_string();
    work.log.attachment(
        Command::Add,
        &planned.name,
        planned.conf.name().map_or("", NetworkName::as_str),
        &planned.interface,
        || Carried::Result(result.to_json(Version::V1_1_0)),
    );
    let written = file.attached(index, &text);
    record.attachments[index].result = Some(text);
    written.map(|()| result)
}
