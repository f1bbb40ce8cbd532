//! ADD: ask, plan, record, execute; on failure undo in reverse.

use std::time::Instant;

use spec::{
    TraceContext,
    bridge::{PodRef, Report, Stage},
    cni::{AddResult, Invocation},
};

use crate::{
    add_trace::AddTrace,
    attach::{Attached, Broken, Work, attach},
    bridge::Bridge,
    deadline::{self, Deadline},
    default_route,
    delegate::{Executor, Sandbox},
    delegates,
    detach::detach_recorded,
    error::Error,
    log::{Field, Log},
    multus,
    net_conf::NetConf,
    netns,
    plan::{Planned, plan},
    question, readiness,
    record::{self, Record},
    report,
    sandbox_file::{SandboxFile, Sandboxes},
    source,
    stopwatch::Stopwatch,
};

/// Attaches the sandbox to its networks. Gives back the result of the cluster network. `watch` runs since the verb began.
///
/// # Errors
/// Whatever keeps the sandbox from one of its networks. Then nothing of it is left, or the record says what.
pub fn add(
    conf: &NetConf,
    invocation: &Invocation,
    trace: Option<&TraceContext>,
    mut watch: Stopwatch,
    log: &Log<'_>,
) -> Result<AddResult, Error> {
    let deadline = Deadline::from(Instant::now(), conf.state.timeout);
    let sandboxes = Sandboxes::new(&conf.state.cni_dir);
    sandboxes.check_is_new(&invocation.container_id)?;
    let pod = question::pod(&invocation.args)?;
    source::check_annotations(conf, pod.as_ref())?;
    let [configuration, readiness, question, planning, attaching] = Stage::OF_ADD;
    watch.ends(configuration, Vec::new());
    readiness::wait(conf.readiness_file.as_deref(), deadline.attaching)?;
    watch.ends(readiness, Vec::new());
    let mut asked = question::ask(conf, invocation, pod.as_ref(), trace, deadline.attaching)?;
    watch.ends(question, std::mem::take(&mut asked.answer.stages));
    let told = asked.answer.traceparent.take();
    let above = asked.answer.parent.take();
    if let Some(told) = &told {
        log.join(told);
    }
    let default_networks = conf.default_networks_of(pod.as_ref().map(|pod| &pod.namespace));
    let planned = plan(
        conf,
        invocation,
        delegates::find(conf, default_networks, asked.answer)?,
    )?;
    let executor = Executor {
        trace: told.as_ref().map(|told| AddTrace::new(told, trace)),
        ..Executor::new(
            &conf.state,
            Some(Sandbox::of(invocation)),
            &invocation.path,
            deadline.attaching,
        )
    };
    let timed = (&mut watch, planning);
    let attached = carry_out(
        conf,
        invocation,
        pod.as_ref(),
        &planned,
        (&executor, deadline.end),
        timed,
        log,
    )?;
    watch.ends(attaching, Vec::new());
    let Attached { results, times } = attached;
    if let (Some(pod), Some(bridge)) = (pod, asked.bridge) {
        let report = Report {
            wait_ms: conf.status_timeout.and_then(|timeout| {
                let left = timeout.min(deadline::left(deadline.attaching));
                u32::try_from(left.as_millis()).ok()
            }),
            times: Some(watch.times(times.into_iter())),
            add: told,
            parent: above,
            ..report::report(pod, invocation, trace, &planned, &results)
        };
        // A pod is not kept from starting by its status; the agent finds out what was not reported.
        if let Err(error) = tell(conf, &bridge, report, asked.was_asked) {
            log.error(
                "network-status was not reported",
                &[("error", Field::Shown(&error))],
            );
        }
    }
    Ok(results.into_iter().next().unwrap_or_default())
}

/// Tells what a sandbox got. An agent that has answered and has ended since is not waited for: the one-shot is told, where there is
/// a kubeconfig. That the next agent finds out by itself takes minutes, in which nobody could read the pod's addresses.
fn tell(conf: &NetConf, bridge: &Bridge, report: Report, was_asked: bool) -> Result<(), Error> {
    match bridge.report(report.clone(), was_asked) {
        Err(error) if was_asked && error.is_absence() => match question::without_agent(conf) {
            // It is not waited for: the pod need not wait for the API server.
            Some(resolver) => resolver.report(report, false),
            None => Err(error),
        },
        told => told,
    }
}

/// Checks what can be checked, writes the intent, and makes the attachments. When this returns, everything is written and
/// the sandbox no longer locked, so that a DEL need not wait for a slow agent. `executor` has until the attachments are made, and
/// what failed is `undone_by` then; `planning` is the stage that ends when the first attachment is about to be made.
fn carry_out(
    conf: &NetConf,
    invocation: &Invocation,
    pod: Option<&PodRef>,
    planned: &[Planned],
    (executor, undone_by): (&Executor, Instant),
    (watch, planning): (&mut Stopwatch, &str),
    log: &Log<'_>,
) -> Result<Attached, Error> {
    for attachment in planned {
        executor.check_plugins(&attachment.name, &attachment.conf)?;
    }
    let routes = default_route::changes(
        &planned
            .iter()
            .map(|attachment| (&attachment.interface, attachment.default_route.as_deref()))
            .collect::<Vec<_>>(),
    )?;
    netns::check_interfaces_are_free(invocation.netns.as_deref().unwrap_or_default(), planned)?;
    let mut record = record::intend(
        invocation.container_id.clone(),
        invocation.netns.clone(),
        pod.cloned(),
        planned,
    );
    let patience = conf.state.patience(executor.until);
    record.network = Some(conf.name.clone());
    record.interface = Some(invocation.interface.clone());
    record.path.clone_from(&invocation.path);
    let mut file = Sandboxes::new(&conf.state.cni_dir).begin(&record, patience)?;
    let work = Work {
        executor,
        planned,
        routes: &routes,
        at_once: conf.parallel,
        device_info_dir: &conf.state.device_info_dir,
        log,
    };
    watch.ends(planning, Vec::new());
    let made = scratch(conf, &record)
        .map_err(|cause| Broken { cause, begun: 0 })
        .and_then(|()| attach(&work, &mut file, &mut record))
        .and_then(|attached| {
            let begun = planned.len();
            cache(conf, &record)
                .map(|()| attached)
                .map_err(|cause| Broken { cause, begun })
        });
    made.map_err(|broken| {
        let executor = Executor {
            until: undone_by,
            ..executor.clone()
        };
        undo(conf, &executor, file, record, broken, log)
    })
}

/// What Multus would write down of the sandbox before it attaches anything.
fn scratch(conf: &NetConf, record: &Record) -> Result<(), Error> {
    if conf.state.compat {
        multus::write(&conf.state.cni_dir, record).map_err(Error::Compat)
    } else {
        Ok(())
    }
}

/// The results that libcni would keep for Multus.
fn cache(conf: &NetConf, record: &Record) -> Result<(), Error> {
    if !conf.state.compat {
        return Ok(());
    }
    let mut attachments = record.attachments.iter();
    attachments
        .try_for_each(|attachment| multus::write_result(&conf.state.cni_dir, record, attachment))
        .map_err(Error::Compat)
}

fn undo(
    conf: &NetConf,
    executor: &Executor,
    file: SandboxFile,
    mut record: Record,
    broken: Broken,
    log: &Log<'_>,
) -> Error {
    let Broken { cause, begun } = broken;
    let mut left = Vec::new();
    if conf.state.compat {
        let removed = multus::remove(&conf.state.cni_dir, &record);
        left.extend(removed.map_err(Error::Compat).err());
    }
    // What was not begun has nothing to undo; the one that failed may have made half of it.
    record.attachments.truncate(begun);
    left.extend(detach_recorded(executor, file, record, log).err());
    if left.is_empty() {
        return cause;
    }
    Error::NotUndone {
        cause: Box::new(cause),
        left,
    }
}
