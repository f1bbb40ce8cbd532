//! The stand-in for `host-local`: a lease is a file named for its address, in a folder named for the network.
//!
//! The layout is the reference plugin's (`dataDir/network/address`, holding container id and interface), so that either
//! can remove what the other gave.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::Context;
use ipnet::IpNet;
use spec::cni::{AddResult, IpConfig};

use super::{Call, address_choice, conf::Range, error::DelegateError};

/// Leases an address from every set of ranges.
pub(super) fn add(call: &Call) -> Result<AddResult, DelegateError> {
    let leases = leases(call)?;
    fs::create_dir_all(&leases).with_context(|| format!("cannot make {}", leases.display()))?;
    let ipam = call.conf.ipam.as_ref().ok_or_else(no_ipam)?;
    let sets = ipam.range_sets();
    if sets.is_empty() {
        return Err(DelegateError::Conf {
            place: "/ipam",
            problem: "it has neither 'subnet' nor 'ranges'".to_owned(),
        });
    }
    let mut ips = Vec::new();
    for set in &sets {
        match lease(&leases, set, &owner(call)) {
            Ok(ip) => ips.push(ip),
            Err(error) => {
                release(&leases, &owner(call))?;
                return Err(error);
            }
        }
    }
    Ok(AddResult {
        ips,
        routes: ipam.routes.clone(),
        ..AddResult::default()
    })
}

/// Gives back every lease of the container's interface.
pub(super) fn del(call: &Call) -> Result<(), DelegateError> {
    release(&leases(call)?, &owner(call))
}

fn no_ipam() -> DelegateError {
    DelegateError::Conf {
        place: "/ipam",
        problem: "it is missing".to_owned(),
    }
}

/// The folder of the network's leases. The reference plugin has a default; a demo leaves the machine alone.
fn leases(call: &Call) -> Result<PathBuf, DelegateError> {
    let ipam = call.conf.ipam.as_ref().ok_or_else(no_ipam)?;
    let data = ipam.data_dir.as_ref().ok_or_else(|| DelegateError::Conf {
        place: "/ipam/dataDir",
        problem: "it is missing; the stand-in writes nowhere else".to_owned(),
    })?;
    Ok(data.join(call.conf.name.as_str()))
}

fn owner(call: &Call) -> String {
    format!(
        "{}\r\n{}",
        call.invocation.container_id, call.invocation.interface
    )
}

fn lease(leases: &Path, set: &[Range], owner: &str) -> Result<IpConfig, DelegateError> {
    for range in set {
        let candidates =
            address_choice::candidates(range).map_err(|error| DelegateError::Conf {
                place: "/ipam",
                problem: error.to_string(),
            })?;
        for address in candidates {
            if take(leases, address, owner)? {
                let prefix = range.subnet.prefix_len();
                return Ok(IpConfig {
                    address: IpNet::new(address, prefix)
                        .context("an address has its subnet's prefix length")?,
                    gateway: Some(address_choice::gateway(range)),
                    interface: None,
                });
            }
        }
    }
    let ranges: Vec<String> = set.iter().map(|range| range.subnet.to_string()).collect();
    Err(DelegateError::Exhausted {
        range: ranges.join(", "),
        leases: leases.to_owned(),
    })
}

/// Takes an address by making its file, which succeeds for one process only.
fn take(leases: &Path, address: IpAddr, owner: &str) -> Result<bool, DelegateError> {
    let path = leases.join(address.to_string());
    match File::create_new(&path) {
        Ok(mut file) => {
            file.write_all(owner.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("cannot make {}", path.display()))
            .into()),
    }
}

fn release(leases: &Path, owner: &str) -> Result<(), DelegateError> {
    let entries = match fs::read_dir(leases) {
        Ok(entries) => entries,
        // DEL may come without, and after, ADD.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(anyhow::Error::new(error)
                .context(format!("cannot read {}", leases.display()))
                .into());
        }
    };
    for entry in entries {
        let path = entry.context("cannot read the leases")?.path();
        if fs::read_to_string(&path).is_ok_and(|content| content.trim() == owner) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use spec::cni::{Command, Invocation};

    use super::*;
    use crate::demo::delegate::conf::Conf;

    fn call(folder: &Path, container: &str) -> Call {
        let input = format!(
            r#"{{"cniVersion":"1.0.0","name":"net-a","type":"sriov","ipam":{{"type":"host-local","subnet":"10.0.0.0/29",
                "rangeStart":"10.0.0.3","rangeEnd":"10.0.0.4","routes":[{{"dst":"0.0.0.0/0"}}],"dataDir":"{}"}}}}"#,
            folder.display()
        );
        let container = container.to_owned();
        let variable = move |name: &str| match name {
            "CNI_CONTAINERID" => Some(container.clone()),
            "CNI_NETNS" | "CNI_PATH" => Some("/".to_owned()),
            "CNI_IFNAME" => Some("eth0".to_owned()),
            _ => None,
        };
        Call {
            invocation: Invocation::read(Command::Add, variable).unwrap(),
            conf: Conf::parse(&input).unwrap(),
            input,
        }
    }

    #[test]
    fn leases_are_given_once_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let addresses = |name: &str| {
            add(&call(folder.path(), name)).map(|result| result.ips[0].address.to_string())
        };
        assert_eq!(addresses("a").unwrap(), "10.0.0.3/29");
        assert_eq!(addresses("b").unwrap(), "10.0.0.4/29");
        assert!(
            addresses("c")
                .unwrap_err()
                .to_string()
                .contains("no address is left in 10.0.0.0/29")
        );
        del(&call(folder.path(), "a")).unwrap();
        del(&call(folder.path(), "a")).unwrap();
        assert_eq!(addresses("c").unwrap(), "10.0.0.3/29");
        let result = add(&call(&folder.path().join("other"), "a")).unwrap();
        assert_eq!(result.ips[0].gateway, Some("10.0.0.1".parse().unwrap()));
        assert_eq!(result.routes.len(), 1);
    }

    #[test]
    fn del_without_add_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        del(&call(folder.path(), "a")).unwrap();
    }
}
