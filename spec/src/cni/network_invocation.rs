//! What the runtime says in the environment when it asks about a network and no container: GC and STATUS.

use super::{Command, InvocationError, invocation::folders};

/// The environment of a call about a network, checked. CNI specification, section 2: GC needs `CNI_PATH`, STATUS may come
/// without it, and neither has a container, a namespace, an interface or arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInvocation {
    /// `CNI_PATH`: where plugins are searched, in order.
    pub path: Vec<String>,
}

impl NetworkInvocation {
    /// Reads the environment of a call about a network. `variable` looks a variable up.
    ///
    /// # Errors
    /// `CNI_PATH` is missing or empty, at any verb but STATUS.
    pub fn read(
        command: Command,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvocationError> {
        let path = variable("CNI_PATH").filter(|path| !path.is_empty());
        let path = match command {
            Command::Status => path.unwrap_or_default(),
            Command::Gc | Command::Add | Command::Del | Command::Check | Command::Version => {
                path.ok_or(InvocationError::Missing {
                    variable: "CNI_PATH",
                    command: command.as_str(),
                })?
            }
        };
        Ok(Self {
            path: folders(&path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_verb_needs() {
        let with_path = |name: &str| (name == "CNI_PATH").then(|| "/a::/b".to_owned());
        for command in [Command::Gc, Command::Status] {
            let read = NetworkInvocation::read(command, with_path).unwrap();
            assert_eq!(read.path, ["/a", "/b"]);
        }
        let nothing = |_: &str| None;
        let read = NetworkInvocation::read(Command::Status, nothing).unwrap();
        assert!(read.path.is_empty());
        assert_eq!(
            NetworkInvocation::read(Command::Gc, nothing).unwrap_err(),
            InvocationError::Missing {
                variable: "CNI_PATH",
                command: "GC"
            }
        );
    }
}
