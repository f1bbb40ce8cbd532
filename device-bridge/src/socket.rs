//! The file on which the agent listens: made for us alone, taken over from the dead, removed at the end.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream as StdStream,
    },
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

/// Why the agent cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody listens there already.
    #[error(
        "another process serves {} already; stop it or choose another path",
        path.display()
    )]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("{} exists and is no socket; remove it or choose another path", path.display())]
    NoSocket {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot listen on {}: {source}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode: a successor's file of the same path is not ours to remove.
    identity: (u64, u64),
    own_uid: u32,
}

impl Socket {
    /// Listens on `path`. Missing folders are made for us alone (0700), the socket is ours alone (0600), and one that a
    /// dead process left behind is replaced.
    ///
    /// # Errors
    /// Somebody else listens there, something else is there, or the system refuses.
    pub fn listen(path: &Path) -> Result<Self, SocketError> {
        let io = |source| SocketError::Io {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(io)?;
        }
        remove_stale(path)?;
        let listener = UnixListener::bind(path).map_err(io)?;
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(io)?;
        let metadata = fs::symlink_metadata(path).map_err(io)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
            // A file belongs to whom made it.
            own_uid: metadata.uid(),
        })
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Who may ask: root and ourselves. The socket's mode says the same; this holds when somebody changes that.
    pub(crate) const fn may_ask(&self, uid: u32) -> bool {
        uid == 0 || uid == self.own_uid
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, socket = %self.path.display(), "The socket stays behind");
        }
    }
}

fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let io = |source| SocketError::Io {
        path: path.to_owned(),
        source,
    };
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result.map_err(io)?,
    };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NoSocket {
            path: path.to_owned(),
        });
    }
    match StdStream::connect(path) {
        // Nobody listens: who made it is dead.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(io)
        }
        Err(error) => Err(io(error)),
        Ok(_) => Err(SocketError::Taken {
            path: path.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn made_for_us_alone_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run/polypod/bridge.sock");
        let socket = Socket::listen(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert!(socket.may_ask(0));
        assert!(socket.may_ask(socket.own_uid));
        assert!(!socket.may_ask(socket.own_uid + 1));
        assert!(matches!(
            Socket::listen(&path),
            Err(SocketError::Taken { .. })
        ));
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_dead_are_replaced_and_successors_spared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bridge.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let socket = Socket::listen(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let successor = Socket::listen(&path).unwrap();
        drop(socket);
        assert!(path.exists());
        drop(successor);
        fs::write(&path, "precious").unwrap();
        assert!(matches!(
            Socket::listen(&path),
            Err(SocketError::NoSocket { .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }
}
