//! What the runtime says in the environment when it executes a CNI plugin.

use std::str::FromStr;

use super::{Args, ArgsError, ContainerId, InterfaceName};
use crate::NameError;

/// The verb of `CNI_COMMAND`. CNI specification, section 2, "CNI operations".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Attach the container to the network.
    Add,
    /// Take the attachment away.
    Del,
    /// Is the attachment as it was made? From 0.4.0 on.
    Check,
    /// Remove what belongs to no container any more. From 1.1.0 on.
    Gc,
    /// Can the plugin take ADD requests? From 1.1.0 on.
    Status,
    /// Which versions does the plugin speak?
    Version,
}

impl Command {
    /// The verb as it stands in `CNI_COMMAND`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Del => "DEL",
            Self::Check => "CHECK",
            Self::Gc => "GC",
            Self::Status => "STATUS",
            Self::Version => "VERSION",
        }
    }
}

impl FromStr for Command {
    type Err = InvocationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            Self::Add,
            Self::Del,
            Self::Check,
            Self::Gc,
            Self::Status,
            Self::Version,
        ]
        .into_iter()
        .find(|command| command.as_str() == text)
        .ok_or_else(|| InvocationError::Command {
            found: text.to_owned(),
        })
    }
}

/// The environment of a call about one container, checked: ADD, DEL and CHECK. GC and STATUS have a
/// [`NetworkInvocation`](super::NetworkInvocation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// `CNI_CONTAINERID`.
    pub container_id: ContainerId,
    /// `CNI_NETNS`: the path of the network namespace. DEL may come without it.
    pub netns: Option<String>,
    /// `CNI_IFNAME`: the name of the cluster network's interface.
    pub interface: InterfaceName,
    /// `CNI_ARGS`.
    pub args: Args,
    /// `CNI_PATH`: where plugins are searched, in order. DEL may come without it.
    pub path: Vec<String>,
}

/// A variable of the environment that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvocationError {
    /// A variable that this verb needs is missing or empty.
    #[error(
        "the environment variable {variable} is missing; the container runtime must set it for {command}"
    )]
    Missing {
        /// The variable.
        variable: &'static str,
        /// The verb that was asked for.
        command: &'static str,
    },
    /// `CNI_COMMAND` is no verb of the specification.
    #[error("CNI_COMMAND is {found:?}; it must be one of ADD, DEL, CHECK, GC, STATUS, VERSION")]
    Command {
        /// The verb as it was found.
        found: String,
    },
    /// A variable holds something it must not.
    #[error("the environment variable {variable} is wrong: {problem}")]
    Name {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        #[source]
        problem: NameError,
    },
    /// `CNI_ARGS` is not a list of pairs.
    #[error(transparent)]
    Args(#[from] ArgsError),
}

impl Invocation {
    /// Reads the environment of a call about one container.
    ///
    /// `variable` looks a variable up, so that this stays a function of values.
    ///
    /// # Errors
    /// The first variable that is missing or wrong.
    pub fn read(
        command: Command,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvocationError> {
        let present = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        let needed = |name: &'static str| {
            present(name).ok_or(InvocationError::Missing {
                variable: name,
                command: command.as_str(),
            })
        };
        let container_id = needed("CNI_CONTAINERID")?;
        let netns = match command {
            Command::Del => present("CNI_NETNS"),
            Command::Add | Command::Check | Command::Gc | Command::Status | Command::Version => {
                Some(needed("CNI_NETNS")?)
            }
        };
        let interface = needed("CNI_IFNAME")?;
        let path = match command {
            Command::Del => present("CNI_PATH").unwrap_or_default(),
            Command::Add | Command::Check | Command::Gc | Command::Status | Command::Version => {
                needed("CNI_PATH")?
            }
        };
        Ok(Self {
            container_id: container_id
                .try_into()
                .map_err(|problem| InvocationError::Name {
                    variable: "CNI_CONTAINERID",
                    problem,
                })?,
            netns,
            interface: interface
                .try_into()
                .map_err(|problem| InvocationError::Name {
                    variable: "CNI_IFNAME",
                    problem,
                })?,
            args: Args::parse(&present("CNI_ARGS").unwrap_or_default())?,
            path: folders(&path),
        })
    }
}

/// The folders of `CNI_PATH`.
pub(super) fn folders(path: &str) -> Vec<String> {
    path.split(':')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn del_needs_no_namespace() {
        let pairs = environment(&[
            ("CNI_CONTAINERID", "c1"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/a::/b"),
        ]);
        let invocation = Invocation::read(Command::Del, &pairs).unwrap();
        assert_eq!(invocation.netns, None);
        assert_eq!(invocation.path, ["/a", "/b"]);
        let error = Invocation::read(Command::Add, &pairs).unwrap_err();
        assert_eq!(
            error,
            InvocationError::Missing {
                variable: "CNI_NETNS",
                command: "ADD"
            }
        );
    }

    #[test]
    fn wrong_variables_are_named() {
        let error = Invocation::read(
            Command::Del,
            environment(&[
                ("CNI_CONTAINERID", "../etc"),
                ("CNI_IFNAME", "eth0"),
                ("CNI_PATH", "/a"),
            ]),
        );
        assert!(error.unwrap_err().to_string().contains("CNI_CONTAINERID"));
        assert!("RESTART".parse::<Command>().is_err());
    }
}
