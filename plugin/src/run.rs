//! From environment and standard input to what is printed: the one place where results and errors become JSON.

use std::io;

use serde_json::{Value, json};
use spec::{
    bridge::TIMES_OF_RESULT,
    cni::{
        self, Command, Invocation, InvocationError, NetworkInvocation, ValidAttachments, Version,
    },
};

use crate::{
    add, check, del,
    error::Error,
    gc, hotplug,
    log::{Context, Field, Log, Trace},
    net_conf::{NetConf, State},
    status,
    stopwatch::Stopwatch,
};

/// What the process prints and how it ends.
#[derive(Debug)]
pub struct Outcome {
    /// The text for standard output.
    pub stdout: String,
    /// Whether the exit status is 0.
    pub success: bool,
}

/// Carries the verb out. `variable` looks a variable of the environment up.
pub fn run(variable: impl Fn(&str) -> Option<String>, stdin: io::Result<Vec<u8>>) -> Outcome {
    // A configuration that cannot be read declares no version either.
    let (text, unread) = match stdin {
        Ok(text) => (text, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    match carry_out(variable, &text, unread) {
        Ok(None) => Outcome {
            stdout: String::new(),
            success: true,
        },
        Ok(Some(result)) => Outcome {
            stdout: format!("{result}\n"),
            success: true,
        },
        Err(error) => {
            let wire = cni::Error {
                cni_version: declared_version(&text)
                    .unwrap_or(Version::V1_1_0)
                    .to_string(),
                code: error.code(),
                msg: format!("polypod: {error}"),
                details: String::new(),
            };
            let text = serde_json::to_string(&wire).expect("an error of texts and a number prints");
            Outcome {
                stdout: format!("{text}\n"),
                success: false,
            }
        }
    }
}

fn carry_out(
    variable: impl Fn(&str) -> Option<String>,
    stdin: &[u8],
    unread: Option<io::Error>,
) -> Result<Option<Value>, Error> {
    let watch = Stopwatch::begin();
    let command = variable("CNI_COMMAND")
        .filter(|command| !command.is_empty())
        .ok_or(InvocationError::Missing {
            variable: "CNI_COMMAND",
            command: "every verb",
        })?;
    let command: Command = command.parse()?;
    if let Some(error) = unread {
        return Err(Error::Stdin(error));
    }
    let trace = Trace::read(&variable);
    match command {
        Command::Version => Ok(Some(versions(stdin))),
        Command::Add | Command::Del | Command::Check => {
            let invocation = Invocation::read(command, variable)?;
            let context = Context::of(command, &invocation, &trace);
            of_sandbox(command, &invocation, stdin, watch, context)
        }
        Command::Status | Command::Gc => {
            let invocation = NetworkInvocation::read(command, variable)?;
            let context = Context::of_node(command, &trace);
            of_network(command, &invocation, stdin, context).map(|()| None)
        }
    }
}

fn of_sandbox(
    command: Command,
    invocation: &Invocation,
    stdin: &[u8],
    watch: Stopwatch,
    context: Context<'_>,
) -> Result<Option<Value>, Error> {
    if command == Command::Add {
        let conf = NetConf::parse(stdin)?;
        let log = open(&conf.state, context);
        warn(&log, &conf);
        let traceparent = context.trace.and_then(Trace::context);
        let added = match &conf.hotplug {
            None => add::add(&conf, invocation, traceparent, watch, &log)
                .map(|result| result.to_json(conf.version)),
            Some(request) => {
                hotplug::add(&conf, request, invocation, watch, &log).map(|(result, times)| {
                    let mut result = result.to_json(conf.version);
                    result[TIMES_OF_RESULT] = json!(times);
                    result
                })
            }
        };
        return told(&log, added).map(Some);
    }
    let state = State::parse(stdin)?;
    let log = open(&state, context);
    let done = match (command == Command::Check, state.is_hotplug) {
        (true, false) => check::check(&state, invocation, &log),
        (false, false) => del::del(&state, invocation, stdin, &log),
        (is_check, true) => NetConf::parse(stdin).and_then(|conf| {
            if is_check {
                hotplug::check(&conf, invocation, &log)
            } else {
                hotplug::del(&conf, invocation, &log)
            }
        }),
    };
    told(&log, done).map(|()| None)
}

fn of_network(
    command: Command,
    invocation: &NetworkInvocation,
    stdin: &[u8],
    context: Context<'_>,
) -> Result<(), Error> {
    if command == Command::Status {
        let conf = NetConf::parse(stdin)?;
        let log = open(&conf.state, context);
        return told(&log, status::status(&conf, &invocation.path, &log));
    }
    let state = State::parse(stdin)?;
    let log = open(&state, context);
    let valid = ValidAttachments::parse(&String::from_utf8_lossy(stdin))
        .map_err(Error::ValidAttachments)?;
    // What has become wrong in the configuration keeps nobody from collecting what is recorded.
    let conf = NetConf::parse(stdin).ok();
    let collected = gc::gc(
        &state,
        conf.as_ref(),
        valid.as_ref(),
        &invocation.path,
        &log,
    );
    told(&log, collected)
}

fn open<'a>(state: &'a State, context: Context<'a>) -> Log<'a> {
    let log = Log::open(&state.log, context);
    log.report_panics();
    log
}

fn warn(log: &Log<'_>, conf: &NetConf) {
    for warning in &conf.warnings {
        log.warning(warning, &[]);
    }
}

/// What ends a verb is in the log too.
fn told<T>(log: &Log<'_>, done: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &done {
        log.error("failed", &[("error", Field::Shown(error))]);
    }
    done
}

fn versions(stdin: &[u8]) -> Value {
    json!({
        "cniVersion": declared_version(stdin).unwrap_or(Version::V1_1_0),
        "supportedVersions": Version::ALL,
    })
}

fn declared_version(stdin: &[u8]) -> Option<Version> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Declares {
        cni_version: String,
    }
    serde_json::from_slice::<Declares>(stdin)
        .ok()?
        .cni_version
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_with(pairs: &'static [(&str, &str)], stdin: &str) -> (Value, bool) {
        let outcome = run(
            |name| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            },
            Ok(stdin.as_bytes().to_vec()),
        );
        (
            serde_json::from_str(&outcome.stdout).unwrap_or(Value::Null),
            outcome.success,
        )
    }

    #[test]
    fn version_needs_nothing_else() {
        let (printed, success) =
            run_with(&[("CNI_COMMAND", "VERSION")], r#"{"cniVersion":"0.4.0"}"#);
        assert!(success);
        assert_eq!(printed["cniVersion"], "0.4.0");
        assert_eq!(printed["supportedVersions"].as_array().unwrap().len(), 7);
        assert!(run_with(&[("CNI_COMMAND", "VERSION")], "").1);
    }

    #[test]
    fn errors_are_cni_errors() {
        const ADD: &[(&str, &str)] = &[
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", "c1"),
            ("CNI_NETNS", "/x"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_PATH", "/x"),
        ];
        for (pairs, stdin, code, words) in [
            (&[][..], "{}", 4, "CNI_COMMAND"),
            (&[("CNI_COMMAND", "RESTART")], "{}", 4, "RESTART"),
            (&[("CNI_COMMAND", "ADD")], "{}", 4, "CNI_CONTAINERID"),
            (ADD, "not json", 6, "not a JSON object"),
            (ADD, "{}", 7, "name"),
            (&[("CNI_COMMAND", "CHECK")], "{}", 4, "CNI_CONTAINERID"),
            (&[("CNI_COMMAND", "GC")], "{}", 4, "CNI_PATH"),
            (
                &[("CNI_COMMAND", "GC"), ("CNI_PATH", "/x")],
                r#"{"cni.dev/valid-attachments":5}"#,
                7,
                "valid-attachments",
            ),
            (
                &[("CNI_COMMAND", "STATUS"), ("CNI_PATH", "/x")],
                "{}",
                7,
                "name",
            ),
        ] {
            let (printed, success) = run_with(pairs, stdin);
            assert!(!success, "{stdin}");
            assert_eq!(printed["code"], code, "{printed}");
            assert!(
                printed["msg"].as_str().unwrap().contains(words),
                "{printed}"
            );
            assert_eq!(printed["cniVersion"], "1.1.0");
        }
    }
}
