//! Device-info files of device plugins: what they know of a device that sysfs does not say, because its id is no name of
//! the kernel.
//!
//! Source: NPWG device information specification 1.1.0. The file is `dp/<resource>-<device id>-device.json` with every `/`
//! of either as `-`. That there is none is usual.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use spec::device::PciAddress;

/// They are a few hundred bytes.
const LARGEST: u64 = 64 * 1024;

/// What a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceInfo {
    /// A PCI function.
    Pci(Functions),
    /// A vDPA device.
    Vdpa {
        /// Such as `vdpa0`.
        parent_device: Option<String>,
        /// `vhost` or `virtio`.
        driver: Option<String>,
        /// Such as `/dev/vhost-vdpa-0`.
        path: Option<String>,
        /// The functions behind it.
        functions: Functions,
    },
    /// A socket of a virtual switch in user space.
    VhostUser {
        /// `client` or `server`.
        mode: Option<String>,
        /// The socket.
        path: Option<String>,
    },
    /// Shared memory of a virtual switch in user space.
    Memif {
        /// `master` or `slave`.
        role: Option<String>,
        /// The socket.
        path: Option<String>,
        /// `ethernet`, `ip` or `inject-punt`.
        mode: Option<String>,
    },
}

/// The PCI functions of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Functions {
    /// Its own address.
    pub address: Option<PciAddress>,
    /// Its physical function.
    pub physical: Option<PciAddress>,
    /// The interface that stands for it on the switch.
    pub representor: Option<String>,
    /// Its RDMA devices; some device plugins write several, with commas.
    pub rdma: Vec<String>,
}

/// A device-info file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceInfoError {
    /// The system does not give it.
    #[error("the device-info file {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is none.
    #[error("the device-info file {} is wrong: {problem}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl DeviceInfo {
    /// What the device plugin of `resource` says of device `id`, in files below `base`.
    ///
    /// # Errors
    /// There is a file that cannot be used.
    pub fn read(base: &Path, resource: &str, id: &str) -> Result<Option<Self>, DeviceInfoError> {
        let (resource, id) = (resource.replace('/', "-"), id.replace('/', "-"));
        let path = base.join("dp").join(format!("{resource}-{id}-device.json"));
        let mut text = String::new();
        match File::open(&path).and_then(|file| file.take(LARGEST).read_to_string(&mut text)) {
            Ok(_) => match Self::parse(&text) {
                Ok(info) => Ok(Some(info)),
                Err(problem) => Err(DeviceInfoError::Wrong { path, problem }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DeviceInfoError::Read { path, source }),
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let object: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let kind = object.get("type").and_then(Value::as_str);
        let empty = Map::new();
        let of = |kind: &str| {
            object
                .get(kind)
                .and_then(Value::as_object)
                .unwrap_or(&empty)
        };
        match kind {
            Some("pci") => Ok(Self::Pci(Functions::of(of("pci")))),
            Some("vdpa") => {
                let vdpa = of("vdpa");
                Ok(Self::Vdpa {
                    parent_device: word(vdpa, "parent-device"),
                    driver: word(vdpa, "driver"),
                    path: word(vdpa, "path"),
                    functions: Functions::of(vdpa),
                })
            }
            Some("vhost-user") => {
                let socket = of("vhost-user");
                Ok(Self::VhostUser {
                    mode: word(socket, "mode"),
                    path: word(socket, "path"),
                })
            }
            Some("memif") => {
                let memif = of("memif");
                Ok(Self::Memif {
                    role: word(memif, "role"),
                    path: word(memif, "path"),
                    mode: word(memif, "mode"),
                })
            }
            Some(other) => Err(format!(
                "the type {other:?} is none of pci, vdpa, vhost-user, memif"
            )),
            None => Err("it has no text \"type\", such as \"pci\"".to_owned()),
        }
    }

    /// The PCI functions of the device, where it has any.
    #[must_use]
    pub const fn functions(&self) -> Option<&Functions> {
        match self {
            Self::Pci(functions) | Self::Vdpa { functions, .. } => Some(functions),
            Self::VhostUser { .. } | Self::Memif { .. } => None,
        }
    }
}

impl Functions {
    fn of(object: &Map<String, Value>) -> Self {
        let address =
            |key| word(object, key).and_then(|text| PciAddress::try_from(text.to_lowercase()).ok());
        let rdma = word(object, "rdma-device").unwrap_or_default();
        Self {
            address: address("pci-address"),
            physical: address("pf-pci-address"),
            representor: word(object, "representor-device"),
            rdma: rdma
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

fn word(object: &Map<String, Value>, key: &str) -> Option<String> {
    let text = object.get(key)?.as_str()?;
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type() {
        let pci = r#"{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:03:02.1","rdma-device":"mlx5_2,mlx5_3","pf-pci-address":"0000:03:00.0","representor-device":"rep0","vhost-net":"/dev/vhost-net"}}"#;
        let functions = Functions {
            address: "0000:03:02.1".parse().ok(),
            physical: "0000:03:00.0".parse().ok(),
            representor: Some("rep0".to_owned()),
            rdma: vec!["mlx5_2".to_owned(), "mlx5_3".to_owned()],
        };
        assert_eq!(DeviceInfo::parse(pci), Ok(DeviceInfo::Pci(functions)));
        let vdpa = r#"{"type":"vdpa","version":"1.1.0","vdpa":{"parent-device":"vdpa0","driver":"vhost","path":"/dev/vhost-vdpa-0","pci-address":"0000:03:02.1"}}"#;
        let vdpa = DeviceInfo::parse(vdpa).unwrap();
        let address = vdpa.functions().unwrap().address.clone();
        assert_eq!(address.unwrap().as_str(), "0000:03:02.1");
        for text in [
            r#"{"type":"vhost-user","version":"1.1.0","vhost-user":{"mode":"client","path":"/s"}}"#,
            r#"{"type":"memif","version":"1.1.0","memif":{"role":"master","path":"/s","mode":"ethernet"}}"#,
            r#"{"type":"memif"}"#,
        ] {
            assert_eq!(DeviceInfo::parse(text).unwrap().functions(), None);
        }
    }

    #[test]
    fn wrong_ones_say_what_is_wrong() {
        for (text, words) in [
            ("", "EOF"),
            ("[]", "map"),
            ("{}", "no text \"type\""),
            (r#"{"type":1}"#, "no text \"type\""),
            (r#"{"type":"tap"}"#, "\"tap\" is none of"),
        ] {
            let problem = DeviceInfo::parse(text).unwrap_err();
            assert!(problem.contains(words), "{problem}");
        }
        let odd = r#"{"type":"pci","pci":{"pci-address":"nowhere","rdma-device":7}}"#;
        assert_eq!(
            DeviceInfo::parse(odd),
            Ok(DeviceInfo::Pci(Functions::default()))
        );
    }

    #[test]
    fn files() {
        let base = tempfile::tempdir().unwrap();
        let read = |id: &str| DeviceInfo::read(base.path(), "example.com/userspace", id);
        assert!(matches!(read("a/b"), Ok(None)));
        std::fs::create_dir(base.path().join("dp")).unwrap();
        let file = base.path().join("dp/example.com-userspace-a-b-device.json");
        std::fs::write(&file, r#"{"type":"memif"}"#).unwrap();
        assert!(matches!(read("a/b"), Ok(Some(DeviceInfo::Memif { .. }))));
        std::fs::write(&file, "{").unwrap();
        let error = read("a/b").unwrap_err().to_string();
        assert!(error.contains("a-b-device.json is wrong"), "{error}");
    }
}
