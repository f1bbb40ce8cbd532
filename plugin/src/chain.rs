//! Executes the plugins of one attachment as a chain: forwards with the result handed on, backwards to undo.

use serde_json::value::RawValue;
use spec::cni::{AddResult, Command, Injection, NetworkConf, Version};

use crate::{
    delegate::{Call, Executor},
    error::{DelegateProblem, Error},
    record::Attachment,
};

/// Makes the attachment. CNI specification, section 3, "Attachment deltas": each plugin gets the result of the one before.
///
/// # Errors
/// A plugin fails or prints no result; what the plugins before it made is still there.
pub fn add(
    executor: &Executor,
    conf: &NetworkConf,
    attachment: &Attachment,
) -> Result<AddResult, Error> {
    let version = conf.version();
    let mut result = AddResult::default();
    let mut handed_on: Option<Box<RawValue>> = None;
    for index in 0..conf.plugins().len() {
        let stdin = request(conf, index, attachment, handed_on.as_deref())?;
        let call = call(Command::Add, conf, index, attachment, &stdin);
        let printed = executor.execute(&call)?;
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
    Ok(result)
}

/// Takes the attachment away: the plugins in reverse, each with the result of ADD where its version has that.
///
/// # Errors
/// The first plugin that failed; the others were executed all the same.
pub fn del(executor: &Executor, conf: &NetworkConf, attachment: &Attachment) -> Result<(), Error> {
    let version = conf.version();
    let prev_result = match &attachment.result {
        Some(text) if version >= Version::V0_4_0 => AddResult::parse(text, Version::V1_1_0)
            .ok()
            .map(|(result, _)| raw_result(&result, version)),
        Some(_) | None => None,
    };
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
        interface: &attachment.interface,
        args: &attachment.args,
        plugin: conf.plugins()[index].plugin_type(),
        stdin,
    }
}

fn raw_result(result: &AddResult, version: Version) -> Box<RawValue> {
    serde_json::value::to_raw_value(&result.to_json(version)).expect("a JSON value prints")
}
