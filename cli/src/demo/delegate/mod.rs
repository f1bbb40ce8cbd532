//! CNI plugins of the demo's own: they stand in for reference plugins that are not installed, and for an SR-IOV plugin
//! where there is no SR-IOV card.
//!
//! The demo links this program into its folder of plugins under their names. They speak CNI 0.3.1 to 1.0.0 honestly:
//! what they answer is what they did, and DEL undoes it.

mod address_choice;
mod conf;
mod error;
mod host_local;
mod ipam;
#[cfg(test)]
mod namespace_tests;
mod pod_side;
mod record;
mod sriov;
mod veth;

use std::{
    env, io,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::{Value, json};
use spec::cni::{self, AddResult, Command, Invocation, Version};

use self::{conf::Conf, error::DelegateError};

pub(super) use self::record::Record;

/// The variable by which the stand-in `sriov` finds the folder that is its `/sys`.
pub(super) const SYSFS: &str = "POLYPOD_DEMO_SYSFS";

/// The variable by which the stand-in `sriov` finds the folder for its records.
pub(super) const RECORDS: &str = "POLYPOD_DEMO_RECORDS";

/// The versions the stand-ins speak.
const VERSIONS: [Version; 3] = [Version::V0_3_1, Version::V0_4_0, Version::V1_0_0];

/// A plugin the demo can stand in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delegate {
    /// `bridge`: a veth pair; its end on the node has the gateway's address.
    Bridge,
    /// `macvlan`: a veth pair too, as macvlan may not be in the kernel.
    Macvlan,
    /// `sriov`: moves the device it is told.
    Sriov,
    /// `host-local`: an address from a range.
    HostLocal,
}

impl Delegate {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Bridge, Self::Macvlan, Self::Sriov, Self::HostLocal];

    /// The plugin's `type`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Macvlan => "macvlan",
            Self::Sriov => "sriov",
            Self::HostLocal => "host-local",
        }
    }

    fn of_program(program: &str) -> Option<Self> {
        let name = Path::new(program).file_name()?.to_str()?;
        Self::ALL
            .into_iter()
            .find(|delegate| delegate.name() == name)
    }
}

/// Everything a call has to go by.
struct Call {
    invocation: Invocation,
    conf: Conf,
    /// Standard input as it came, for the IPAM plugin.
    input: String,
}

/// If this process was executed as a plugin, is that plugin.
pub(super) fn run() -> Option<ExitCode> {
    let verb = env::var("CNI_COMMAND").ok()?;
    let delegate = Delegate::of_program(&env::args().next()?)?;
    let mut input = String::new();
    let answer = io::stdin()
        .read_to_string(&mut input)
        .map_err(|error| DelegateError::Undecodable(error.to_string()))
        .and_then(|_| carry_out(delegate, &verb, &input));
    Some(match answer {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let wire = cni::Error {
                cni_version: Conf::version_of(&input).to_string(),
                code: error.code(),
                msg: format!("{}: {error}", delegate.name()),
                details: String::new(),
            };
            println!("{}", json!(wire));
            ExitCode::FAILURE
        }
    })
}

fn carry_out(delegate: Delegate, verb: &str, input: &str) -> Result<Option<Value>, DelegateError> {
    let command: Command = verb.parse()?;
    if command == Command::Version {
        return Ok(Some(version_answer(input)));
    }
    let invocation = Invocation::read(command, |name| env::var(name).ok())?;
    let call = Call {
        invocation,
        conf: Conf::parse(input)?,
        input: input.to_owned(),
    };
    match command {
        Command::Add => {
            let result = add(delegate, &call)?;
            Ok(Some(result.to_json(call.conf.version)))
        }
        Command::Del => del(delegate, &call).map(|()| None),
        Command::Check | Command::Gc | Command::Status | Command::Version => {
            Err(DelegateError::Verb(command.as_str()))
        }
    }
}

fn add(delegate: Delegate, call: &Call) -> Result<AddResult, DelegateError> {
    match delegate {
        Delegate::Bridge | Delegate::Macvlan => veth::add(call),
        Delegate::Sriov => sriov::add(call, &folder(SYSFS)?, &folder(RECORDS)?),
        Delegate::HostLocal => host_local::add(call),
    }
}

fn del(delegate: Delegate, call: &Call) -> Result<(), DelegateError> {
    match delegate {
        Delegate::Bridge | Delegate::Macvlan => veth::del(call),
        Delegate::Sriov => sriov::del(call, &folder(RECORDS)?),
        Delegate::HostLocal => host_local::del(call),
    }
}

fn folder(variable: &'static str) -> Result<PathBuf, DelegateError> {
    let value = env::var_os(variable).map(PathBuf::from);
    value.ok_or(DelegateError::NoFolder { variable })
}

/// The answer to VERSION, in the version it was asked in. CNI specification, section 2, "VERSION".
fn version_answer(input: &str) -> Value {
    let versions: Vec<&str> = VERSIONS.iter().map(|version| version.as_str()).collect();
    json!({"cniVersion": Conf::version_of(input).as_str(), "supportedVersions": versions})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_decides() {
        assert_eq!(Delegate::of_program("/x/bin/sriov"), Some(Delegate::Sriov));
        assert_eq!(
            Delegate::of_program("host-local"),
            Some(Delegate::HostLocal)
        );
        assert_eq!(Delegate::of_program("/x/kubectl-polypod"), None);
    }

    #[test]
    fn version_answers() {
        assert_eq!(
            version_answer(r#"{"cniVersion":"0.4.0"}"#),
            json!({"cniVersion": "0.4.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0"]})
        );
        assert_eq!(version_answer("")["cniVersion"], "1.0.0");
        let error = carry_out(Delegate::Bridge, "REWIND", "{}").unwrap_err();
        assert_eq!(error.code(), 4);
    }
}
