//! Executes the plugins of one attachment as a chain: forwards with the result handed on, backwards to undo.

use std::time::Instant;

use serde_json::value::RawValue;
use spec::{
    bridge::Stage,
    cni::{AddResult, Command, Injection, NetworkConf, ValidAttachments, Version},
};

use crate::{
    delegate::{Call, Executor},
    error::{DelegateProblem, Error},
    record::Attachment,
    stopwatch::micros,
};

/// An attachment that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// What its last plugin printed.
    pub result: AddResult,
    /// When the first plugin was begun.
    pub began: Instant,
    /// How long its plugins took, by their types, in their order.
    pub delegates: Vec<Stage>,
}

/// Makes the attachment, the `number`-th of its ADD from 0 on. CNI specification, section 3, "Attachment deltas": each plugin
/// gets the result of the one before.
///
/// # Errors
/// A plugin fails or prints no result; what the plugins before it made is still there.
pub fn add(
    executor: &Executor,
    conf: &NetworkConf,
    attachment: &Attachment,
    number: usize,
) -> Result<Made, Error> {
    let version = conf.version();
    let began = Instant::now();
    let mut delegates = Vec::with_capacity(conf.plugins().len());
    let mut result = AddResult::default();
    let mut handed_on: Option<Box<RawValue>> = None;
    for index in 0..conf.plugins().len() {
        let stdin = request(conf, index, attachment, handed_on.as_deref())?;
        let traced = executor.trace.as_ref();
        let traceparent = traced.map(|trace| trace.add.of_delegate(number, index));
        let call = Call {
            traceparent: traceparent.as_ref(),
            ..call(Command::Add, conf, index, attachment, &stdin)
        };
        let executed = Instant::now();
        let printed = executor.execute(&call)?;
        delegates.push(Stage {
            name: call.plugin.to_string(),
            after_us: micros(executed.duration_since(began)),
            took_us: micros(executed.elapsed()),
            parts: Vec::new(),
        });
        let (parsed, printed_version) = AddResult::parse(&printed, version).map_err(|problem| {
            call.failed(DelegateProblem::NoResult {
                problem,
                printed: printed.chars().take(200).collect(),
            })
        })?;
        result = parsed;
        handed_on = Some(match RawValue::from_string(printed) {
            // What the next plugin must understand is in the version of the chain; then it gets the very text.
            Ok(raw) if printed_version == version && raw.get().contains("cniVersion") => raw,
            Ok(_) | Err(_) => raw_result(&result, version),
        });
    }
    Ok(Made {
        result,
        began,
        delegates,
    })
}

/// Takes the attachment away: the plugins in reverse, each with the result of ADD where its version has that.
///
/// # Errors
/// The first plugin that failed; the others were executed all the same.
pub fn del(executor: &Executor, conf: &NetworkConf, attachment: &Attachment) -> Result<(), Error> {
    let prev_result = recorded_result(conf, attachment);
    let mut first_failure = Ok(());
    for index in (0..conf.plugins().len()).rev() {
        let done = request(conf, index, attachment, prev_result.as_deref()).and_then(|stdin| {
            executor
                .execute(&call(Command::Del, conf, index, attachment, &stdin))
                .map(drop)
        });
        first_failure = first_failure.and(done);
    }
    first_failure
}

/// Checks the attachment: the plugins in the order of ADD, each with the result of ADD. Versions from before CHECK, and
/// configurations that switch it off (`disableCheck`), have nothing to check.
///
/// # Errors
/// The first plugin that finds something amiss.
pub fn check(
    executor: &Executor,
    conf: &NetworkConf,
    attachment: &Attachment,
) -> Result<(), Error> {
    if !conf.takes(Command::Check) {
        return Ok(());
    }
    let prev_result = recorded_result(conf, attachment);
    (0..conf.plugins().len()).try_for_each(|index| {
        let stdin = request(conf, index, attachment, prev_result.as_deref())?;
        let call = call(Command::Check, conf, index, attachment, &stdin);
        executor.execute(&call).map(drop)
    })
}

/// Asks the plugins of a network whether they can take an ADD. Versions from before STATUS have nothing to say.
///
/// # Errors
/// The first plugin that cannot.
pub fn status(executor: &Executor, network: &str, conf: &NetworkConf) -> Result<(), Error> {
    of_network(executor, Command::Status, network, conf, |index| {
        conf.status_request(index)
    })
}

/// Has the plugins of a network remove what belongs to no attachment of `valid`. Versions from before GC, and
/// configurations that switch it off (`disableGC`), have nothing to do.
///
/// # Errors
/// The first plugin that failed; the others were executed all the same.
pub fn gc(
    executor: &Executor,
    network: &str,
    conf: &NetworkConf,
    valid: &ValidAttachments,
) -> Result<(), Error> {
    of_network(executor, Command::Gc, network, conf, |index| {
        conf.gc_request(index, valid)
    })
}

fn of_network(
    executor: &Executor,
    command: Command,
    network: &str,
    conf: &NetworkConf,
    request: impl Fn(usize) -> String,
) -> Result<(), Error> {
    let mut first_failure = Ok(());
    if !conf.takes(command) {
        return first_failure;
    }
    for (index, plugin) in conf.plugins().iter().enumerate() {
        let call = Call {
            command,
            network,
            interface: None,
            args: "",
            plugin: plugin.plugin_type(),
            stdin: &request(index),
            traceparent: None,
        };
        first_failure = first_failure.and(executor.execute(&call).map(drop));
    }
    first_failure
}

/// The result of ADD in the version of the plugins, where that version hands it over again.
fn recorded_result(conf: &NetworkConf, attachment: &Attachment) -> Option<Box<RawValue>> {
    let version = conf.version();
    match &attachment.result {
        Some(text) if version >= Version::V0_4_0 => AddResult::parse(text, Version::V1_1_0)
            .ok()
            .map(|(result, _)| raw_result(&result, version)),
        Some(_) | None => None,
    }
}

fn request(
    conf: &NetworkConf,
    index: usize,
    attachment: &Attachment,
    prev_result: Option<&RawValue>,
) -> Result<String, Error> {
    let injection = Injection {
        runtime_config: Some(&attachment.runtime_config),
        device: device(attachment),
        cni_args: attachment.cni_args.as_ref(),
        prev_result,
    };
    conf.request(index, &injection)
        .map_err(|problem| Error::DelegateConf {
            network: attachment.name.clone(),
            problem,
        })
}

/// The device of the kubelet's allocation, or the one that the pod names. Plugins such as sriov-cni look for it in the
/// configuration and nowhere else.
pub(crate) fn device(attachment: &Attachment) -> Option<&str> {
    let named = || attachment.runtime_config.get("deviceID")?.as_str();
    attachment
        .device
        .as_ref()
        .map(|device| device.id.as_str())
        .or_else(named)
}

fn call<'a>(
    command: Command,
    conf: &'a NetworkConf,
    index: usize,
    attachment: &'a Attachment,
    stdin: &'a str,
) -> Call<'a> {
    Call {
        command,
        network: &attachment.name,
        interface: Some(&attachment.interface),
        args: &attachment.args,
        plugin: conf.plugins()[index].plugin_type(),
        stdin,
        traceparent: None,
    }
}

fn raw_result(result: &AddResult, version: Version) -> Box<RawValue> {
    serde_json::value::to_raw_value(&result.to_json(version)).expect("a JSON value prints")
}
