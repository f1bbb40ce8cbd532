//! One question to the device-bridge, one answer: over its socket, or by executing it once.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use spec::{
    bridge::{
        Answer, FrameError, HEADER, Question, Reply, Report, Request, decode, encode, frame_length,
    },
    cni::code,
};

use crate::{
    deadline,
    error::{BridgeProblem, Error},
    process::{self, Unfinished},
};

/// Who answers.
#[derive(Clone, Debug)]
pub enum Bridge {
    /// The agent, at its socket.
    Agent {
        /// The socket.
        socket: PathBuf,
    },
    /// The one-shot process.
    Resolver {
        /// Its executable.
        program: PathBuf,
        /// What lets it ask the API server.
        kubeconfig: PathBuf,
        /// Where it asks the kubelet; `None` is where the program does by itself.
        pod_resources_socket: Option<PathBuf>,
    },
}

/// How long the agent may think. It answers from memory, or after a live read of pod and networks.
const DEADLINE: Duration = Duration::from_secs(35);

/// How long a report may take: publishing is not worth a pod's start.
const REPORT_DEADLINE: Duration = Duration::from_secs(5);

/// The same for a pod about which nobody was asked: it does not wait for the agent.
const QUIET_REPORT_DEADLINE: Duration = Duration::from_millis(100);

/// How often it is looked whether an agent that is away is back.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// How long apart a connection is tried that finds the agent's queue full.
const QUEUE_WAIT: Duration = Duration::from_millis(10);

/// Why there is no answer although nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// There is no socket.
    NoSocket,
    /// There is a socket that nobody listens at: an agent that was killed, or is being started again.
    NobodyListens,
    /// The agent ended before it replied.
    Ended,
}

impl Absence {
    /// What the system would say.
    const fn kind(self) -> io::ErrorKind {
        match self {
            Self::NoSocket => io::ErrorKind::NotFound,
            Self::NobodyListens => io::ErrorKind::ConnectionRefused,
            Self::Ended => io::ErrorKind::ConnectionReset,
        }
    }
}

impl Bridge {
    /// Asks what a sandbox gets. It changes nothing, and may be asked again.
    ///
    /// # Errors
    /// The exchange failed, or the request cannot be met.
    pub fn ask(
        &self,
        question: Question,
        until: Instant,
    ) -> Result<Result<Answer, Absence>, Error> {
        let deadline = DEADLINE.min(deadline::left(until));
        let question = Question {
            within_ms: u32::try_from(deadline.as_millis()).ok(),
            ..question
        };
        match self.exchange(&Request::Question(question), deadline) {
            Ok(Ok(Reply::Answer(answer))) => Ok(Ok(answer)),
            Ok(Ok(Reply::Failure(failure))) if failure.code == code::NOT_AUTHENTICATED => {
                Err(Error::NotAuthenticated(failure))
            }
            Ok(Ok(Reply::Failure(failure))) => Err(failure.into()),
            Ok(Ok(Reply::Taken)) => Err(self.failed(BridgeProblem::WrongReply)),
            Ok(Err(absence)) => Ok(Err(absence)),
            Err(problem) => Err(self.failed(problem)),
        }
    }

    /// Tells what a sandbox got, to be published as network-status. An agent that was asked before and is away now is waited
    /// for as long as a report may take.
    ///
    /// # Errors
    /// The exchange failed.
    pub fn report(&self, report: Report, was_asked: bool) -> Result<(), Error> {
        if let (
            Self::Resolver {
                program,
                kubeconfig,
                pod_resources_socket,
            },
            false,
        ) = (self, was_asked)
        {
            // A pod that asked for nothing does not wait for the API server.
            let frame =
                encode(&Request::Report(report)).map_err(|error| self.failed(error.into()))?;
            let arguments = resolve(kubeconfig, pod_resources_socket.as_deref());
            return process::leave(program, &arguments, &frame)
                .map_err(|error| self.failed(error.into()));
        }
        let deadline = match report.wait_ms {
            Some(wait) => REPORT_DEADLINE + Duration::from_millis(wait.into()),
            None if was_asked => REPORT_DEADLINE,
            None => QUIET_REPORT_DEADLINE,
        };
        let request = Request::Report(report);
        let until = Instant::now() + deadline;
        loop {
            return match self.exchange(&request, deadline::left(until)) {
                Ok(Ok(Reply::Taken)) => Ok(()),
                Ok(Ok(Reply::Failure(failure))) => Err(failure.into()),
                Ok(Ok(Reply::Answer(_))) => Err(self.failed(BridgeProblem::WrongReply)),
                // Its successor publishes it at once, and else finds out minutes later that it is missing.
                Ok(Err(_)) if was_asked && Instant::now() + LOOK < until => {
                    std::thread::sleep(LOOK);
                    continue;
                }
                Ok(Err(absence)) => Err(self.failed(io::Error::from(absence.kind()).into())),
                Err(problem) => Err(self.failed(problem)),
            };
        }
    }

    /// Whether somebody takes connections, or can be executed.
    ///
    /// # Errors
    /// Nobody.
    pub fn is_reachable(&self) -> Result<(), Error> {
        let found = match self {
            Self::Agent { socket } => connect(socket, Instant::now() + QUEUE_WAIT).map(drop),
            Self::Resolver {
                program,
                kubeconfig,
                pod_resources_socket: _,
            } => {
                if let Err(error) = std::fs::metadata(kubeconfig) {
                    return Err(Error::Key {
                        key: "kubeconfig",
                        problem: format!("{} cannot be read: {error}", kubeconfig.display()),
                    });
                }
                std::fs::metadata(program).map(drop)
            }
        };
        found.map_err(|error| self.failed(error.into()))
    }

    fn exchange(
        &self,
        request: &Request,
        deadline: Duration,
    ) -> Result<Result<Reply, Absence>, BridgeProblem> {
        let frame = encode(request)?;
        match self {
            Self::Agent { socket } => over_socket(socket, &frame, deadline),
            Self::Resolver {
                program,
                kubeconfig,
                pod_resources_socket,
            } => {
                let arguments = resolve(kubeconfig, pod_resources_socket.as_deref());
                by_process(program, &arguments, &frame, deadline).map(Ok)
            }
        }
    }

    fn failed(&self, problem: BridgeProblem) -> Error {
        match self {
            Self::Agent { socket } => Error::Bridge {
                socket: socket.clone(),
                problem,
            },
            Self::Resolver { program, .. } => Error::Resolver {
                path: program.clone(),
                problem,
            },
        }
    }
}

fn over_socket(
    socket: &Path,
    frame: &[u8],
    deadline: Duration,
) -> Result<Result<Reply, Absence>, BridgeProblem> {
    let until = Instant::now() + deadline;
    let late = || BridgeProblem::NoAnswer {
        seconds: deadline.as_secs().max(1),
    };
    let mut stream = match connect(socket, until) {
        Ok(Some(stream)) => stream,
        Ok(None) => return Err(late()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Err(Absence::NoSocket)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return Ok(Err(Absence::NobodyListens));
        }
        Err(error) => return Err(error.into()),
    };
    let mut exchange = || -> io::Result<Result<Vec<u8>, FrameError>> {
        write_all(&mut stream, frame, until)?;
        let mut header = [0; HEADER];
        read_exact(&mut stream, &mut header, until)?;
        let length = match frame_length(header) {
            Ok(length) => length,
            Err(error) => return Ok(Err(error)),
        };
        let mut json = vec![0; length];
        read_exact(&mut stream, &mut json, until)?;
        Ok(Ok(json))
    };
    match exchange() {
        Ok(json) => Ok(Ok(decode(&json?)?)),
        Err(error) if is_timeout(&error) => Err(late()),
        Err(error) if is_end(&error) => Ok(Err(Absence::Ended)),
        Err(error) => Err(error.into()),
    }
}

/// Connects without waiting in the kernel, which knows no deadline there: an agent whose queue is full would hold us for
/// ever. `None` when it stayed full.
fn connect(socket: &Path, until: Instant) -> io::Result<Option<UnixStream>> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

    let address = SocketAddrUnix::new(socket)?;
    loop {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let stream = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&stream, &address) {
            Ok(()) => {
                let stream = UnixStream::from(stream);
                stream.set_nonblocking(false)?;
                return Ok(Some(stream));
            }
            Err(rustix::io::Errno::AGAIN) if Instant::now() + QUEUE_WAIT < until => {
                std::thread::sleep(QUEUE_WAIT);
            }
            Err(rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The time that is left, for a socket's own timeout, of which zero would mean "for ever".
fn left(until: Instant) -> io::Result<Option<Duration>> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        left => Ok(Some(left)),
    }
}

fn write_all(stream: &mut UnixStream, mut bytes: &[u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(left(until)?)?;
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn read_exact(stream: &mut UnixStream, mut bytes: &mut [u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_read_timeout(left(until)?)?;
        match stream.read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes = &mut bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// The other side is gone: it was killed, or has stopped before it came to this connection.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::WriteZero
    )
}

fn resolve<'a>(kubeconfig: &'a Path, pod_resources_socket: Option<&'a Path>) -> Vec<&'a OsStr> {
    let mut arguments: Vec<&OsStr> = vec![
        "resolve".as_ref(),
        "--kubeconfig".as_ref(),
        kubeconfig.as_os_str(),
    ];
    if let Some(socket) = pod_resources_socket {
        arguments.extend(["--pod-resources-socket".as_ref(), socket.as_os_str()]);
    }
    arguments
}

fn by_process(
    program: &Path,
    arguments: &[&OsStr],
    frame: &[u8],
    deadline: Duration,
) -> Result<Reply, BridgeProblem> {
    let none: [(&OsStr, Option<&OsStr>); 0] = [];
    let finished =
        process::run(program, arguments, none, frame, deadline).map_err(|unfinished| {
            match unfinished {
                Unfinished::Io(error) => BridgeProblem::Io(error),
                Unfinished::Hung => BridgeProblem::Process(format!(
                    "it gave no answer within {} seconds",
                    deadline.as_secs()
                )),
            }
        })?;
    let stdout = finished.stdout.as_slice();
    let Some((header, json)) = stdout.split_first_chunk::<HEADER>() else {
        let stderr = String::from_utf8_lossy(&finished.stderr);
        return Err(BridgeProblem::Process(format!(
            "it ended with {} and no answer: {}",
            finished.status,
            stderr.trim()
        )));
    };
    let length = frame_length(*header)?;
    if json.len() != length {
        let problem = format!(
            "its answer has {} bytes where {length} were announced",
            json.len()
        );
        return Err(BridgeProblem::Process(problem));
    }
    Ok(decode(json)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const SOON: Duration = Duration::from_millis(300);

    fn no_answer(socket: &Path) {
        let begin = Instant::now();
        let problem = over_socket(socket, b"x", SOON).unwrap_err();
        assert!(
            matches!(problem, BridgeProblem::NoAnswer { .. }),
            "{problem}"
        );
        // Not how long it took, but that it ended at all long before the other side would have.
        assert!(begin.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn an_agent_that_is_not_there_is_told_from_one_that_fell() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.sock");
        assert_eq!(
            over_socket(&socket, b"x", SOON).unwrap(),
            Err(Absence::NoSocket)
        );
        drop(UnixListener::bind(&socket).unwrap());
        assert_eq!(
            over_socket(&socket, b"x", SOON).unwrap(),
            Err(Absence::NobodyListens)
        );
    }

    #[test]
    fn an_agent_that_ends_before_it_replies_is_away() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let agent = std::thread::spawn(move || {
            let (unread, _) = listener.accept().unwrap();
            drop(unread);
            let (mut read, _) = listener.accept().unwrap();
            read.read_exact(&mut [0]).unwrap();
            drop(read);
            let (mut begun, _) = listener.accept().unwrap();
            begun.read_exact(&mut [0]).unwrap();
            begun.write_all(&400_u32.to_be_bytes()).unwrap();
        });
        for _ in 0..3 {
            let replied = over_socket(&socket, b"x", Duration::from_secs(30)).unwrap();
            assert_eq!(replied, Err(Absence::Ended));
        }
        agent.join().unwrap();
    }

    #[test]
    fn a_report_waits_for_the_next_agent() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.sock");
        let bridge = Bridge::Agent {
            socket: socket.clone(),
        };
        let report = Report {
            pod: spec::bridge::PodRef {
                namespace: "default".parse().unwrap(),
                name: "p".parse().unwrap(),
                uid: None,
            },
            container_id: "c".parse().unwrap(),
            statuses: Vec::new(),
            added: Vec::new(),
            times: None,
            wait_ms: None,
            traceparent: None,
            add: None,
            parent: None,
        };
        bridge.report(report.clone(), false).unwrap_err();
        let agent = std::thread::spawn(move || {
            std::thread::sleep(LOOK);
            let (mut stream, _) = UnixListener::bind(&socket).unwrap().accept().unwrap();
            let mut header = [0; HEADER];
            stream.read_exact(&mut header).unwrap();
            let mut json = vec![0; frame_length(header).unwrap()];
            stream.read_exact(&mut json).unwrap();
            stream.write_all(&encode(&Reply::Taken).unwrap()).unwrap();
            decode::<Request>(&json).unwrap()
        });
        bridge.report(report.clone(), true).unwrap();
        assert_eq!(agent.join().unwrap(), Request::Report(report));
    }

    #[test]
    fn an_agent_that_says_nothing_or_too_little_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        no_answer(&socket);
        std::thread::spawn(move || {
            let (mut silent, _) = listener.accept().unwrap();
            let (mut trickling, _) = listener.accept().unwrap();
            let _ = silent.write(b"");
            let _ = trickling.write_all(&4000_u32.to_be_bytes());
            while trickling.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        no_answer(&socket);
    }

    #[test]
    fn an_agent_with_a_full_queue_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("a.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let mut waiting = Vec::new();
        while let Some(stream) = connect(&socket, Instant::now() + QUEUE_WAIT).unwrap() {
            waiting.push(stream);
        }
        no_answer(&socket);
    }
}
