//! The plugin `passthru`: it makes nothing and hands on what came in, so that a chain of nothing but chained plugins has
//! a first one. The same executable is this plugin when it is called by this name.

use std::io;

use serde::Deserialize;
use serde_json::{json, value::RawValue};
use spec::cni::{self, AddResult, Command, Version, code};

use crate::run::Outcome;

/// The name under which the executable is this plugin.
pub const NAME: &str = "passthru";

/// The versions it speaks: those that have chains.
const VERSIONS: [Version; 5] = [
    Version::V0_3_0,
    Version::V0_3_1,
    Version::V0_4_0,
    Version::V1_0_0,
    Version::V1_1_0,
];

/// What it reads of its configuration.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Conf {
    cni_version: Option<String>,
    prev_result: Option<Box<RawValue>>,
}

/// Carries the verb out. `variable` looks a variable of the environment up.
///
/// ADD prints the previous result as it came, as the specification wants it of a plugin that changes nothing, else an
/// empty one; DEL, CHECK, GC and STATUS succeed and print nothing.
pub fn run(variable: impl Fn(&str) -> Option<String>, stdin: io::Result<Vec<u8>>) -> Outcome {
    let command = variable("CNI_COMMAND").unwrap_or_default();
    let reply = command
        .parse::<Command>()
        .map_err(|problem| error(code::INVALID_ENVIRONMENT, &problem))
        .and_then(|command| {
            let stdin = stdin.map_err(|problem| {
                let problem =
                    format!("cannot read the configuration from standard input: {problem}");
                error(code::IO_FAILURE, &problem)
            })?;
            reply(command, &stdin)
        });
    match reply {
        Ok(stdout) => Outcome {
            stdout,
            success: true,
        },
        Err(error) => Outcome {
            stdout: serde_json::to_string(&error).expect("an error of texts and a number prints"),
            success: false,
        },
    }
}

/// What it prints for a verb and the configuration on standard input.
///
/// # Errors
/// The configuration cannot be read, or ADD wants a version that has no chains.
pub fn reply(command: Command, stdin: &[u8]) -> Result<String, cni::Error> {
    match command {
        Command::Add => add(stdin),
        Command::Version => {
            let declared = conf(stdin).ok().and_then(|conf| conf.cni_version);
            let answer = json!({
                "cniVersion": declared.as_deref().unwrap_or(Version::V1_1_0.as_str()),
                "supportedVersions": VERSIONS,
            });
            Ok(answer.to_string())
        }
        // What it did not make cannot be missing, stale or in the way.
        Command::Del | Command::Check | Command::Gc | Command::Status => Ok(String::new()),
    }
}

fn add(stdin: &[u8]) -> Result<String, cni::Error> {
    let conf = conf(stdin)?;
    let found = conf.cni_version.unwrap_or_default();
    let version = found
        .parse()
        .ok()
        .filter(|version| VERSIONS.contains(version))
        .ok_or_else(|| {
            let spoken = VERSIONS.map(Version::as_str).join(", ");
            let problem = format!("cniVersion is {found:?}; it must be one of {spoken}");
            error(code::INCOMPATIBLE_VERSION, &problem)
        })?;
    Ok(match conf.prev_result {
        Some(result) => result.get().to_owned(),
        None => AddResult::default().to_json(version).to_string(),
    })
}

fn conf(stdin: &[u8]) -> Result<Conf, cni::Error> {
    serde_json::from_slice(stdin).map_err(|problem| {
        let problem = format!("the configuration on standard input is not one: {problem}");
        error(code::UNDECODABLE, &problem)
    })
}

fn error(code: u32, problem: &dyn std::fmt::Display) -> cni::Error {
    cni::Error {
        cni_version: Version::V1_1_0.to_string(),
        code,
        msg: format!("passthru: {problem}"),
        details: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb() {
        for (command, stdin, wanted) in [
            (
                Command::Add,
                r#"{"cniVersion":"1.0.0"}"#,
                r#"{"cniVersion":"1.0.0"}"#,
            ),
            (
                Command::Add,
                r#"{"cniVersion":"0.3.1","prevResult":null}"#,
                r#"{"cniVersion":"0.3.1","dns":{}}"#,
            ),
            (
                Command::Add,
                r#"{"cniVersion":"1.0.0","prevResult":{"cniVersion":"1.0.0","x":1.50}}"#,
                r#"{"cniVersion":"1.0.0","x":1.50}"#,
            ),
            (Command::Del, "{", ""),
            (Command::Check, "{}", ""),
            (Command::Gc, "{}", ""),
            (Command::Status, "{}", ""),
            (
                Command::Version,
                r#"{"cniVersion":"0.4.0"}"#,
                r#"{"cniVersion":"0.4.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}"#,
            ),
        ] {
            assert_eq!(
                reply(command, stdin.as_bytes()).unwrap(),
                wanted,
                "{command:?} {stdin}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_a_cni_error() {
        for (command, stdin, code) in [
            ("ADD", "{", 6),
            ("ADD", "5", 6),
            ("ADD", "{}", 1),
            ("ADD", r#"{"cniVersion":"0.2.0"}"#, 1),
            ("", "{}", 4),
            ("RESTART", "{}", 4),
        ] {
            let outcome = run(|_| Some(command.to_owned()), Ok(stdin.as_bytes().to_vec()));
            assert!(!outcome.success);
            let error: cni::Error = serde_json::from_str(&outcome.stdout).unwrap();
            assert_eq!(error.code, code, "{command} {stdin}: {}", error.msg);
        }
        let outcome = run(|_| Some("DEL".to_owned()), Ok(Vec::new()));
        assert!(outcome.success && outcome.stdout.is_empty());
    }
}
