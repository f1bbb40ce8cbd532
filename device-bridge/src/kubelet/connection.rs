//! The connection to the kubelet: one for all calls, until the socket is another one.
//!
//! A kubelet that restarts puts a new socket in the place of the old one. Looking at the path before a call costs less
//! than being told of changes would, and cannot miss one.

use std::{
    error::Error,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tonic::transport::{Channel, Endpoint};

use super::{client::CALL, error::PodResourcesError};

/// For how long after a restart a pod that the kubelet does not know may only be unknown yet: it serves before it has
/// its pods from the API server.
const SETTLING: Duration = Duration::from_secs(30);

/// One socket among all that a path has ever led to. An inode's number alone comes back soon after it is freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

/// An open connection.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) channel: Channel,
    /// Whether it was made for this call. An older one may have died unseen.
    pub(crate) is_new: bool,
    identity: Identity,
    number: u64,
    made: Instant,
    has_get: Arc<OnceLock<bool>>,
}

impl Open {
    /// Whether the kubelet has `Get`, once that is known.
    pub(crate) fn has_get(&self) -> Option<bool> {
        self.has_get.get().copied()
    }

    /// Says so. What was known first stays, until there is another connection.
    pub(crate) fn note_get(&self, has_get: bool) {
        let _known = self.has_get.set(has_get);
    }

    /// Whether the kubelet restarted a moment ago, as far as this process can tell.
    pub(crate) fn is_settling(&self) -> bool {
        self.number > 1 && self.made.elapsed() < SETTLING
    }
}

/// The connection, open or not.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    /// How many were made.
    made: u64,
}

impl Connection {
    pub(crate) const fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            state: Mutex::const_new(State {
                open: None,
                made: 0,
            }),
        }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// A connection to the socket that is there now.
    pub(crate) async fn open(&self) -> Result<Open, PodResourcesError> {
        let mut state = self.state.lock().await;
        let identity = self.identity(state.made > 0)?;
        if let Some(open) = &state.open
            && open.identity == identity
        {
            return Ok(Open {
                is_new: false,
                ..open.clone()
            });
        }
        state.open = None;
        let channel = self.connect(state.made > 0).await?;
        state.made += 1;
        if state.made > 1 {
            tracing::info!(socket = %self.socket.display(), "Connected to the kubelet anew");
        }
        let open = Open {
            channel,
            has_get: Arc::default(),
            is_new: true,
            identity,
            number: state.made,
            made: Instant::now(),
        };
        state.open = Some(open.clone());
        Ok(open)
    }

    /// Whether the kubelet has `Get`, as far as that is known without asking.
    pub(crate) async fn has_get(&self) -> Option<bool> {
        self.state.lock().await.open.as_ref()?.has_get()
    }

    /// Gives up a connection that broke, unless there is another one by now.
    pub(crate) async fn forget(&self, broken: &Open) {
        let mut state = self.state.lock().await;
        if state.open.as_ref().map(|open| open.number) == Some(broken.number) {
            state.open = None;
        }
    }

    fn identity(&self, was_there: bool) -> Result<Identity, PodResourcesError> {
        let found = fs::metadata(&self.socket).map_err(|error| self.error(&error, was_there))?;
        Ok(Identity {
            device: found.dev(),
            inode: found.ino(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }

    async fn connect(&self, was_there: bool) -> Result<Channel, PodResourcesError> {
        let socket = || self.socket.clone();
        let path = self
            .socket
            .to_str()
            .ok_or_else(|| PodResourcesError::Path { socket: socket() })?;
        let connecting = async {
            Endpoint::from_shared(format!("unix://{path}"))?
                .connect()
                .await
        };
        let connected = timeout(CALL, connecting)
            .await
            .map_err(|_| PodResourcesError::Silent {
                socket: socket(),
                method: "the connection",
            })?;
        connected.map_err(|error| match system_error(&error) {
            Some(system) => self.error(system, was_there),
            None => PodResourcesError::Connect {
                socket: socket(),
                problem: error.to_string(),
            },
        })
    }

    fn error(&self, error: &io::Error, was_there: bool) -> PodResourcesError {
        let socket = self.socket.clone();
        if error.kind() == io::ErrorKind::NotFound {
            PodResourcesError::Absent { socket, was_there }
        } else {
            PodResourcesError::Connect {
                socket,
                problem: error.to_string(),
            }
        }
    }
}

/// The system's error within tonic's.
fn system_error(error: &tonic::transport::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        source = error.source();
    }
    None
}
