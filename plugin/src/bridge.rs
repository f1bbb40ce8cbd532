//! One question to the device-bridge, one answer: over its socket, or by executing it once.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use spec::bridge::{
    Answer, HEADER, Question, Reply, Report, Request, decode, encode, frame_length,
};

use crate::{
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
    },
}

/// How long the agent may think. It answers from memory, or after a live read of pod and networks.
const DEADLINE: Duration = Duration::from_secs(35);

/// How long a report may take: publishing is not worth a pod's start.
const REPORT_DEADLINE: Duration = Duration::from_secs(5);

impl Bridge {
    /// Asks what a sandbox gets. `None` when nobody listens at the agent's socket.
    ///
    /// # Errors
    /// The exchange failed, or the request cannot be met.
    pub fn ask(&self, question: Question) -> Result<Option<Answer>, Error> {
        match self.exchange(&Request::Question(question), DEADLINE) {
            Ok(Some(Reply::Answer(answer))) => Ok(Some(answer)),
            Ok(Some(Reply::Failure(failure))) => Err(failure.into()),
            Ok(Some(Reply::Taken)) => Err(self.failed(BridgeProblem::WrongReply)),
            Ok(None) => Ok(None),
            Err(problem) => Err(self.failed(problem)),
        }
    }

    /// Tells what a sandbox got, to be published as network-status.
    ///
    /// # Errors
    /// The exchange failed.
    pub fn report(&self, report: Report) -> Result<(), Error> {
        match self.exchange(&Request::Report(report), REPORT_DEADLINE) {
            Ok(Some(Reply::Taken)) => Ok(()),
            Ok(Some(Reply::Failure(failure))) => Err(failure.into()),
            Ok(Some(Reply::Answer(_))) => Err(self.failed(BridgeProblem::WrongReply)),
            Ok(None) => Err(self.failed(io::Error::from(io::ErrorKind::NotFound).into())),
            Err(problem) => Err(self.failed(problem)),
        }
    }

    fn exchange(
        &self,
        request: &Request,
        deadline: Duration,
    ) -> Result<Option<Reply>, BridgeProblem> {
        let frame = encode(request)?;
        match self {
            Self::Agent { socket } => over_socket(socket, &frame, deadline),
            Self::Resolver {
                program,
                kubeconfig,
            } => by_process(program, kubeconfig, &frame, deadline).map(Some),
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
) -> Result<Option<Reply>, BridgeProblem> {
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        // A socket file without a listener is what a killed agent leaves behind.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    stream.set_read_timeout(Some(deadline))?;
    stream.set_write_timeout(Some(deadline))?;
    stream.write_all(frame)?;
    let mut header = [0; HEADER];
    stream.read_exact(&mut header)?;
    let mut json = vec![0; frame_length(header)?];
    stream.read_exact(&mut json)?;
    Ok(Some(decode(&json)?))
}

fn by_process(
    program: &Path,
    kubeconfig: &Path,
    frame: &[u8],
    deadline: Duration,
) -> Result<Reply, BridgeProblem> {
    let arguments = [
        "resolve".as_ref(),
        "--kubeconfig".as_ref(),
        kubeconfig.as_os_str(),
    ];
    let none: [(&OsStr, &OsStr); 0] = [];
    let finished =
        process::run(program, &arguments, none, frame, deadline).map_err(|unfinished| {
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
