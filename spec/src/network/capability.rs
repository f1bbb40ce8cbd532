//! Which requests no plugin of a network can honour.

use serde_json::{Map, Value};

use crate::cni::NetworkConf;

/// The capabilities of `runtime_config` that no plugin of `conf` declares. The NPWG specification (4.1.2.1) lets such an
/// attachment fail: a pod never runs without the address it asked for.
#[must_use]
pub fn missing_capabilities<'a>(
    conf: &NetworkConf,
    runtime_config: &'a Map<String, Value>,
) -> Vec<&'a str> {
    runtime_config
        .keys()
        .map(String::as_str)
        .filter(|capability| !conf.declares(capability))
        .collect()
}
