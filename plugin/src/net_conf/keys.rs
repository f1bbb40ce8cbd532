//! The members of the plugin's configuration: keys in any case, `null` for unset, the last one of several.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::error::Error;

/// The members of the configuration under their names in lower case.
#[derive(Debug)]
pub(crate) struct Keys(BTreeMap<String, Box<RawValue>>);

impl Keys {
    /// Reads the text of a configuration.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(text).map_err(Error::NotJson)
    }

    /// Whether a key is written, with whatever value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.keys().any(|own| own.eq_ignore_ascii_case(key))
    }

    /// The value of a key, in whatever case it is written; `None` where it is missing or null.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        key: &'static str,
        wanted: &str,
    ) -> Result<Option<T>, Error> {
        let Some((_, raw)) = self.0.iter().find(|(own, _)| own.eq_ignore_ascii_case(key)) else {
            return Ok(None);
        };
        serde_json::from_str(raw.get()).map_err(|error| {
            let shown: String = raw.get().chars().take(80).collect();
            Error::Key {
                key,
                problem: format!("it is {shown} and must be {wanted} ({error})"),
            }
        })
    }

    /// A text; empty is unset.
    pub(crate) fn text(&self, key: &'static str) -> Result<Option<String>, Error> {
        self.get::<String>(key, "a text")
            .map(|text| text.filter(|text| !text.is_empty()))
    }

    /// A path; empty is unset. A relative one would be another place for DEL than for ADD, if the runtime executes them in
    /// different folders.
    pub(crate) fn path(&self, key: &'static str) -> Result<Option<PathBuf>, Error> {
        let path = self.text(key)?.map(PathBuf::from);
        match path {
            Some(path) if path.is_relative() => Err(Error::Key {
                key,
                problem: format!("it is {path:?} and must be an absolute path"),
            }),
            path => Ok(path),
        }
    }

    /// A switch; off unless it is set.
    pub(crate) fn switch(&self, key: &'static str) -> Result<bool, Error> {
        self.get(key, "true or false")
            .map(Option::unwrap_or_default)
    }

    /// A number of seconds, of which 0 is unset; at most an hour, as more is a slip of the pen.
    pub(crate) fn seconds(&self, key: &'static str, default: Duration) -> Result<Duration, Error> {
        const LONGEST: u64 = 3600;
        let seconds = self
            .get::<u64>(key, "a number of seconds")?
            .filter(|&seconds| seconds > 0);
        match seconds {
            None => Ok(default),
            Some(seconds) if seconds <= LONGEST => Ok(Duration::from_secs(seconds)),
            Some(seconds) => Err(Error::Key {
                key,
                problem: format!("it is {seconds} and must be at most {LONGEST} seconds"),
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Keys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a network configuration")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    keys.insert(key.to_ascii_lowercase(), value);
                }
                Ok(Keys(keys))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
