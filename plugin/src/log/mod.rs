//! What the plugin says about its work: keys `logFile`, `logLevel`, `logToStderr` and `logOptions`.
//!
//! One line is one JSON object, and the same object goes to the file and to standard error:
//!
//! ```json
//! {"time":"2026-07-01T08:15:30.042Z","level":"verbose","message":"attachment added","command":"ADD",
//!  "containerId":"c1","interface":"net1","namespace":"shop","pod":"web-0","uid":"7d…","traceId":"0af7…",
//!  "network":"shop/storage","delegate":"storage","result":{"cniVersion":"1.1.0"}}
//! ```
//!
//! `time` is UTC with milliseconds. `command` to `traceId` say what the call is about and are left out where they are
//! unknown; `interface` is the one the runtime names unless the line is about another. What follows belongs to the line.
//!
//! Nothing is opened, allocated or formatted for a line that the level hides. A log that cannot be written fails no pod:
//! that is said once, on standard error.

mod backup;
mod compress;
mod conf;
mod context;
mod file;
mod level;
mod line;
mod rotation;

use std::{
    fmt::Display,
    io::{self, Write as _},
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use serde_json::{Value, value::RawValue};
use spec::{
    TraceContext,
    cni::{Command, InterfaceName},
};

pub use compress::{COMPRESS, compress};
pub use conf::{LogConf, LogOptions};
pub use context::{Context, Trace};
pub use level::{Level, Severity};
pub use line::Field;

use file::{LogFile, Trouble};
use line::Line;

/// Where lines go. It is handed on by reference; there is no other.
///
/// What a rotation leaves to do is done when it is dropped, so it must outlive the sandbox's lock, which every process
/// that is started meanwhile would hold on to.
#[derive(Debug)]
pub struct Log<'a> {
    conf: &'a LogConf,
    context: Context<'a>,
    /// The trace that the agent has told of.
    told: OnceLock<TraceContext>,
    file: Option<LogFile<'a>>,
    complained: AtomicBool,
}

/// What a line about an attachment carries.
#[derive(Clone, Debug)]
pub enum Carried {
    /// The CNI result of ADD.
    Result(Value),
    /// The configuration that CHECK, STATUS or DEL is executed with, as JSON.
    Conf(String),
}

impl<'a> Log<'a> {
    /// A log as the configuration has it. No file is opened before there is a line for it.
    #[must_use]
    pub fn open(conf: &'a LogConf, context: Context<'a>) -> Self {
        let log = Self {
            file: conf
                .file
                .as_deref()
                .map(|path| LogFile::new(path, &conf.options)),
            conf,
            context,
            told: OnceLock::new(),
            complained: AtomicBool::new(false),
        };
        if let Some(found) = &conf.unknown_level {
            log.to_stderr(
                Severity::Warning,
                "logLevel is none of panic, error, verbose and debug, and is left at panic",
                &[("logLevel", Field::Text(found))],
            );
        }
        if let Some(problem) = log.context.trace.and_then(Trace::problem) {
            log.debug(
                "TRACEPARENT is passed over",
                &[("error", Field::Shown(problem))],
            );
        }
        log
    }

    /// From now on lines are of this trace. The first that is told stays.
    pub fn join(&self, trace: &TraceContext) {
        self.told.get_or_init(|| trace.clone());
    }

    /// Whether a line of this severity is written anywhere: worth asking before something expensive is made for it.
    #[must_use]
    pub fn shows(&self, severity: Severity) -> bool {
        severity.level() <= self.conf.level && (self.conf.to_stderr || self.file.is_some())
    }

    /// What keeps the verb from being carried out.
    pub fn error(&self, message: &str, fields: &[(&'static str, Field<'_>)]) {
        self.write(Severity::Error, message, fields);
    }

    /// What a person should change although the pod gets its networks. Shown where errors are.
    pub fn warning(&self, message: &str, fields: &[(&'static str, Field<'_>)]) {
        self.write(Severity::Warning, message, fields);
    }

    /// What was done.
    pub fn verbose(&self, message: &str, fields: &[(&'static str, Field<'_>)]) {
        self.write(Severity::Verbose, message, fields);
    }

    /// How it was decided.
    pub fn debug(&self, message: &str, fields: &[(&'static str, Field<'_>)]) {
        self.write(Severity::Debug, message, fields);
    }

    /// The one line that every delegate has at level `verbose`: after ADD, and before each other verb.
    ///
    /// `command` is what the delegate is executed for: DEL also where a failed ADD is undone.
    /// `network` is the network's name for people, `delegate` the CNI name of its configuration. What the line carries is
    /// made only when it is shown.
    pub fn attachment(
        &self,
        command: Command,
        network: &str,
        delegate: &str,
        interface: &InterfaceName,
        carried: impl FnOnce() -> Carried,
    ) {
        if !self.shows(Severity::Verbose) {
            return;
        }
        let (key, json) = match carried() {
            Carried::Result(result) => ("result", serde_json::value::to_raw_value(&result)),
            Carried::Conf(conf) => ("conf", RawValue::from_string(conf)),
        };
        let carried = match &json {
            Ok(json) => Field::Json(json),
            Err(problem) => Field::Shown(problem),
        };
        let message = match command {
            Command::Add => "attachment added",
            Command::Del => "attachment is deleted",
            Command::Check => "attachment is checked",
            Command::Gc => "network is cleaned up",
            Command::Status | Command::Version => "network is asked for its status",
        };
        self.verbose(
            message,
            &[
                ("network", Field::Text(network)),
                ("delegate", Field::Text(delegate)),
                ("interface", Field::Text(interface.as_str())),
                (key, carried),
            ],
        );
    }

    /// Has a panic of the process written to the log file, for as long as the process lives.
    ///
    /// On standard error a panic is told in any case. So nothing is done where there is no file.
    pub fn report_panics(&self) {
        if self.file.is_none() {
            return;
        }
        let context = self.context.to_owned();
        let mut conf = self.conf.clone();
        conf.to_stderr = false;
        conf.unknown_level = None;
        // The sandbox's lock may be held.
        conf.options.compress = false;
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // Another value than the one that may be in the middle of a line.
            Log::open(&conf, context.borrow()).write(
                Severity::Panic,
                "the plugin panicked; please report it",
                &[("panic", Field::Shown(panic))],
            );
            before(panic);
        }));
    }

    fn write(&self, severity: Severity, message: &str, fields: &[(&'static str, Field<'_>)]) {
        if !self.shows(severity) {
            return;
        }
        let line = self.line(severity, message, fields);
        if self.conf.to_stderr {
            print(&line);
        }
        if let Some(file) = &self.file
            && let Err(trouble) = file.append(&line, SystemTime::now())
        {
            self.complain(&trouble);
        }
    }

    fn line(
        &self,
        severity: Severity,
        message: &str,
        fields: &[(&'static str, Field<'_>)],
    ) -> Vec<u8> {
        Line {
            time: SystemTime::now(),
            severity,
            message,
            context: self.context.entries(self.told.get()),
            fields,
        }
        .print()
    }

    /// Says once what is wrong with the log file.
    fn complain(&self, trouble: &Trouble) {
        if self.complained.swap(true, Ordering::Relaxed) {
            return;
        }
        let path = self
            .conf
            .file
            .as_deref()
            .unwrap_or(std::path::Path::new(""));
        let fields = [
            ("logFile", Field::Shown(&path.display() as &dyn Display)),
            ("error", Field::Shown(trouble)),
        ];
        self.to_stderr(Severity::Error, "the log file is not kept", &fields);
    }

    fn to_stderr(&self, severity: Severity, message: &str, fields: &[(&'static str, Field<'_>)]) {
        print(&self.line(severity, message, fields));
    }
}

impl Drop for Log<'_> {
    fn drop(&mut self) {
        if let Some(file) = &self.file
            && let Err(trouble) = file.tidy_up(SystemTime::now(), compress::start)
        {
            self.complain(&trouble);
        }
    }
}

/// One `write` for one line. Whoever started the plugin may have closed standard error; nobody is left to be told.
fn print(line: &[u8]) {
    let _ = io::stderr().lock().write_all(line);
}

#[cfg(test)]
mod tests;
