//! The text of a scratch file, as Multus reads it at DEL.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json, value::RawValue};
use spec::cni::{Fields, Injection, InterfaceName, NetworkConf, NetworkName};

use crate::{
    chain,
    record::{Attachment, Record},
};

/// Prints the delegates of a sandbox.
///
/// # Errors
/// A configuration that does not parse, or takes no `cni-args`; in words.
pub(super) fn print(record: &Record) -> Result<String, String> {
    let delegates = record.attachments.iter().enumerate();
    let delegates = delegates
        .map(|(index, attachment)| {
            let has_name_of_place = if index == 0 {
                record.interface.as_ref() == Some(&attachment.interface)
            } else {
                attachment.interface.as_str() == format!("net{index}")
            };
            let requested = (!has_name_of_place).then_some(&attachment.interface);
            delegate(attachment, requested)
        })
        .collect::<Result<Vec<Value>, _>>()?;
    Ok(Value::from(delegates).to_string())
}

/// An attachment's configuration.
///
/// # Errors
/// It does not parse, in words.
pub(super) fn parse(attachment: &Attachment) -> Result<NetworkConf, String> {
    NetworkConf::parse(&attachment.conf)
        .map_err(|error| format!("network {:?}: {error}", attachment.name))
}

/// The configuration of an attachment with all that was added to it at ADD, in base64 as Go writes bytes. Multus executes it
/// as it is; only the capability arguments are libcni's to add.
///
/// # Errors
/// It takes no `cni-args`, in words.
pub(super) fn given(conf: &NetworkConf, attachment: &Attachment) -> Result<String, String> {
    let injection = Injection {
        device: chain::device(attachment),
        cni_args: attachment.cni_args.as_ref(),
        ..Injection::default()
    };
    if injection.device.is_none() && injection.cni_args.is_none() {
        return Ok(STANDARD.encode(&attachment.conf));
    }
    let plugins = (0..conf.plugins().len())
        .map(|index| conf.request(index, &injection))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("network {:?}: {error}", attachment.name))?;
    let mut members = members(conf);
    if is_one_plugin(&members) {
        return Ok(STANDARD.encode(plugins.concat()));
    }
    let plugins = RawValue::from_string(format!("[{}]", plugins.join(",")))
        .expect("a list of printed configurations is JSON");
    members.insert("plugins".to_owned(), plugins);
    let list = serde_json::to_string(&members).expect("an object of JSON texts prints");
    Ok(STANDARD.encode(list))
}

fn members(conf: &NetworkConf) -> Fields {
    serde_json::from_str(&conf.to_json())
        .expect("a configuration prints as the object it was parsed from")
}

fn is_one_plugin(members: &Fields) -> bool {
    members.contains_key("type")
}

/// One delegate. Of `Conf` and `ConfList` Multus wants to know at DEL whether it is a chain, its version, and names for its
/// log. `requested` is the interface, where it is not the one that Multus gives by the place in the list.
fn delegate(attachment: &Attachment, requested: Option<&InterfaceName>) -> Result<Value, String> {
    let conf = parse(attachment)?;
    let name = conf.name().map_or("", NetworkName::as_str);
    let members = members(&conf);
    let mut head = json!({"name": name});
    // A chain that declares none gets the version of Multus's own configuration at DEL.
    if members.contains_key("cniVersion") {
        head["cniVersion"] = conf.version().as_str().into();
    }
    let mut single = head.clone();
    single["ipam"] = json!({});
    let list = if is_one_plugin(&members) {
        single["type"] = conf.plugins()[0].plugin_type().as_str().into();
        json!({})
    } else {
        let plugins = conf.plugins().iter();
        head["plugins"] = plugins
            .map(|plugin| json!({"type": plugin.plugin_type(), "ipam": {}}))
            .collect();
        head
    };
    let requests = &attachment.runtime_config;
    let device = attachment.device.as_ref();
    let members = [
        ("Conf", Some(single)),
        ("ConfList", Some(list)),
        ("Name", Some(Value::from(attachment.name.as_str()))),
        ("ifnameRequest", requested.map(|name| name.as_str().into())),
        ("macRequest", text(requests, "mac")),
        ("infinibandGUIDRequest", text(requests, "infinibandGUID")),
        ("ipRequest", ips(requests)),
        (
            "default-route",
            attachment.default_route.as_ref().map(|gws| json!(gws)),
        ),
        ("IsFilterV4Gateway", Some(false.into())),
        ("IsFilterV6Gateway", Some(false.into())),
        ("deviceID", chain::device(attachment).map(Value::from)),
        (
            "resourceName",
            device.map(|device| device.resource.as_str().into()),
        ),
        ("Bytes", Some(given(&conf, attachment)?.into())),
    ];
    let members: Map<String, Value> = members
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    Ok(Value::Object(members))
}

fn text(requests: &Map<String, Value>, capability: &str) -> Option<Value> {
    requests
        .get(capability)
        .filter(|value| value.is_string())
        .cloned()
}

/// Go reads nothing of the whole file where one of the addresses is no text.
fn ips(requests: &Map<String, Value>) -> Option<Value> {
    requests
        .get("ips")
        .filter(|ips| {
            ips.as_array()
                .is_some_and(|ips| ips.iter().all(Value::is_string))
        })
        .cloned()
}
