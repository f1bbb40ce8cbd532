//! The versions of the CNI specification.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A version of the CNI specification that Polypod speaks, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Version {
    /// 0.1.0, which is also what an absent or empty `cniVersion` means.
    V0_1_0,
    /// 0.2.0: the result carries its `cniVersion`.
    V0_2_0,
    /// 0.3.0: `interfaces`, a list of `ips`, and `prevResult`.
    V0_3_0,
    /// 0.3.1: as 0.3.0, with a corrected specification.
    V0_3_1,
    /// 0.4.0: CHECK.
    V0_4_0,
    /// 1.0.0: `version` leaves the elements of `ips`.
    V1_0_0,
    /// 1.1.0: GC, STATUS, and more about interfaces and routes.
    V1_1_0,
}

/// A `cniVersion` that is not one of [`Version::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "CNI version {found:?} is not supported; write one of {}",
    Version::list()
)]
pub struct UnsupportedVersion {
    /// The version as it was found.
    pub found: String,
}

impl Version {
    /// Every version, oldest first: what VERSION answers.
    pub const ALL: [Self; 7] = [
        Self::V0_1_0,
        Self::V0_2_0,
        Self::V0_3_0,
        Self::V0_3_1,
        Self::V0_4_0,
        Self::V1_0_0,
        Self::V1_1_0,
    ];

    /// The version as the specification writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_1_0 => "0.1.0",
            Self::V0_2_0 => "0.2.0",
            Self::V0_3_0 => "0.3.0",
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }

    fn list() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }
}

impl FromStr for Version {
    type Err = UnsupportedVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::V0_1_0);
        }
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or_else(|| UnsupportedVersion {
                found: text.to_owned(),
            })
    }
}

impl TryFrom<String> for Version {
    type Error = UnsupportedVersion;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.as_str().to_owned()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_prints_what_it_parses() {
        for version in Version::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert_eq!("".parse(), Ok(Version::V0_1_0));
        assert!("9.9.9".parse::<Version>().is_err());
        assert!(Version::V0_4_0 < Version::V1_0_0);
    }
}
