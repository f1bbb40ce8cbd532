//! What Go's decoder takes and plugins written in Go therefore print: `null` for any zero value, an empty text for no address.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, de::Error};

pub(super) fn zero<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Go leaves a number out when it is 0, which says the same.
pub(super) fn nonzero<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    Ok(Option::deserialize(from)?.filter(|number| *number != 0))
}

pub(super) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<IpAddr>, D::Error> {
    match Option::<String>::deserialize(from)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(D::Error::custom),
    }
}
