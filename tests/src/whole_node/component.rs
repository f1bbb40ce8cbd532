//! A process of the node that can be stopped and started again as it was.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::parts;

/// A part of the node.
pub(crate) struct Component {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    child: Option<Child>,
}

/// How long a part may take to end when it is asked to.
const END: Duration = Duration::from_secs(30);

/// How long a part may take to say that it is ready.
const READY: Duration = Duration::from_secs(90);

impl Component {
    /// One that is to be started; its logs go to `folder`.
    pub(super) fn new<A: AsRef<OsStr>>(
        name: &'static str,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        folder: &Path,
    ) -> Self {
        Self {
            name,
            program: program.to_owned(),
            arguments: arguments
                .into_iter()
                .map(|argument| argument.as_ref().to_owned())
                .collect(),
            environment: vec![("PATH".into(), parts::search_path())],
            folder: folder.to_owned(),
            child: None,
        }
    }

    /// Starts it. What it logs is added to what is there; what it prints is new.
    pub(crate) fn start(&mut self) {
        assert!(!self.is_running(), "{} runs already", self.name);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.file("log"))
            .expect("the folder is ours");
        let printed = fs::File::create(self.file("out")).expect("the folder is ours");
        let child = Command::new(&self.program)
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(printed)
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be executed: {error}", self.name));
        self.child = Some(child);
    }

    /// Waits for a line on its standard output that begins with `prefix`, and gives back its rest.
    pub(crate) fn ready(&mut self, prefix: &str) -> String {
        let until = Instant::now() + READY;
        loop {
            let printed = fs::read_to_string(self.file("out")).unwrap_or_default();
            let complete = printed.rsplit_once('\n').map_or("", |(lines, _)| lines);
            if let Some(rest) = complete.lines().find_map(|line| line.strip_prefix(prefix)) {
                return rest.to_owned();
            }
            assert!(
                self.is_running() && Instant::now() < until,
                "{} did not print {prefix:?}:\n{}",
                self.name,
                self.log_tail(20)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it at once, as a machine does that has no memory left.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to end, as a supervisor does, and waits until it has.
    pub(crate) fn terminate(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let pid = i32::try_from(child.id()).expect("a process id is a small number");
        kill(Pid::from_raw(pid), Signal::SIGTERM).expect("it is our child");
        let until = Instant::now() + END;
        while child.try_wait().expect("it is our child").is_none() {
            if Instant::now() > until {
                let _ = child.kill();
                let _ = child.wait();
                panic!("{} did not end within {END:?} of SIGTERM", self.name);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether it runs.
    pub(crate) fn is_running(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// What it has logged since the first start.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.file("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The last lines of its log.
    pub(crate) fn log_tail(&self, lines: usize) -> String {
        tail(&self.log(), lines)
    }

    /// Its arguments, for a start that differs.
    pub(crate) fn arguments(&mut self) -> &mut Vec<OsString> {
        &mut self.arguments
    }

    /// Its program, for one that replaces it.
    pub(crate) fn program(&mut self) -> &mut PathBuf {
        &mut self.program
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }
}

/// The last lines of a log.
pub(super) fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

impl Drop for Component {
    fn drop(&mut self) {
        self.kill();
    }
}
