//! The record of a sandbox that runs: our own, or one made of what Multus wrote down.

use std::{io, time::Instant};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketType, netdevice::name_to_index, socket},
};
use spec::{
    bridge::PodRef,
    cni::{InterfaceName, Invocation},
};

use super::HotplugProblem;
use crate::{
    error::Error,
    multus::{self, Imported},
    net_conf::{NetConf, State},
    netns,
    record::{self, Record},
    recover,
    sandbox_file::{Opened, SandboxFile, Sandboxes},
};

/// The sandbox of a request, and until when it is waited for.
pub(super) struct Sandbox<'a> {
    state: &'a State,
    invocation: &'a Invocation,
    until: Instant,
}

impl<'a> Sandbox<'a> {
    pub(super) const fn new(conf: &'a NetConf, invocation: &'a Invocation, until: Instant) -> Self {
        Self {
            state: &conf.state,
            invocation,
            until,
        }
    }

    /// The record, locked; none where there is none.
    pub(super) fn recorded(&self) -> Result<Option<(SandboxFile, Record)>, Error> {
        let id = &self.invocation.container_id;
        let patience = self.state.patience(self.until);
        let mut file = match self.sandboxes().open(id, patience)? {
            Opened::Nothing | Opened::Gone => return Ok(None),
            Opened::File(file) if file.is_locked() => file,
            Opened::File(_) => return Err(self.busy()),
        };
        let record = file.read().map_err(|problem| Error::Record {
            attempted: "understood",
            path: file.path().to_owned(),
            problem,
        })?;
        Ok(Some((file, record)))
    }

    /// The record, made of Multus's files where there is no other: from then on the sandbox is ours.
    pub(super) fn of_running(&self, pod: Option<&PodRef>) -> Result<(SandboxFile, Record), Error> {
        let container = || self.invocation.container_id.clone();
        if let Some((file, record)) = self.recorded()? {
            // What remembers that a loss was told is no sandbox.
            if record.attachments.is_empty() {
                return Err(self.unknown());
            }
            return Ok((file, record));
        }
        let imported = self.imported()?.ok_or_else(|| self.unknown())?;
        if !imported.lost.is_empty() {
            let problem = imported.lost.join("; ");
            let container = container();
            return Err(HotplugProblem::Torn { container, problem }.into());
        }
        let record = Record {
            attachments: imported.attachments,
            interface: Some(cluster_interface()),
            ..record::intend(
                container(),
                self.invocation.netns.clone(),
                pod.cloned(),
                &[],
            )
        };
        let patience = self.state.patience(self.until);
        let file = self.sandboxes().begin(&record, patience)?;
        Ok((file, record))
    }

    /// What Multus wrote of the sandbox.
    pub(super) fn imported(&self) -> Result<Option<Imported>, Error> {
        // The request names the interface to be plugged; Multus's files go by that of the cluster network.
        let interface = cluster_interface();
        let sandbox = multus::Sandbox::new(
            self.state,
            &self.invocation.container_id,
            &interface,
            &self.invocation.args,
        );
        recover::written(self.state, &sandbox).map(|found| found.map(|(imported, _)| imported))
    }

    /// What is to be said of DEL where nobody wrote anything of the sandbox: it is done if the interface is not there, as that
    /// of a sandbox that is deleted. One that is there belongs to somebody, the cluster network perhaps.
    pub(super) fn nobodys(&self) -> Result<(), Error> {
        if self.has_interface()? {
            Err(self.unknown())
        } else {
            Ok(())
        }
    }

    fn has_interface(&self) -> Result<bool, Error> {
        let Some(path) = self.invocation.netns.as_deref() else {
            return Ok(false);
        };
        let look = || {
            let socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
            match name_to_index(&socket, self.invocation.interface.as_str()) {
                Ok(_) => Ok(true),
                Err(Errno::NODEV) => Ok(false),
                Err(error) => Err(error.into()),
            }
        };
        let looked: io::Result<bool> = netns::within(path, look).and_then(|looked| looked);
        match looked {
            // The namespace is gone, or only the file is left that it was mounted on.
            Err(problem)
                if matches!(
                    problem.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
                ) =>
            {
                Ok(false)
            }
            looked => looked.map_err(|problem| Error::Netns {
                path: path.to_owned(),
                problem,
            }),
        }
    }

    /// Checks that the request means the namespace that the sandbox was attached in.
    pub(super) fn check_namespace(&self, record: &Record) -> Result<(), Error> {
        let found = self.invocation.netns.as_deref().unwrap_or_default();
        match (record.netns_inode, netns::inode(found)) {
            (Some(recorded), Some(inode)) if recorded != inode => {
                Err(HotplugProblem::OtherNamespace {
                    container: self.invocation.container_id.clone(),
                    found: found.to_owned(),
                    recorded: record.netns.clone().unwrap_or_default(),
                }
                .into())
            }
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    fn unknown(&self) -> Error {
        let container = self.invocation.container_id.clone();
        HotplugProblem::UnknownSandbox { container }.into()
    }

    pub(super) fn busy(&self) -> Error {
        Error::Busy {
            container: self.invocation.container_id.to_string(),
        }
    }

    pub(super) fn deleted(&self) -> Error {
        let container = self.invocation.container_id.clone();
        HotplugProblem::Deleted { container }.into()
    }

    pub(super) fn not_attached(&self) -> Error {
        Error::NotAttached {
            container: self.invocation.container_id.to_string(),
            interface: self.invocation.interface.clone(),
            path: self.sandboxes().path(&self.invocation.container_id),
        }
    }

    fn sandboxes(&self) -> Sandboxes {
        Sandboxes::new(&self.state.cni_dir)
    }
}

/// Kubernetes has no other name for it.
pub(super) fn cluster_interface() -> InterfaceName {
    "eth0".parse().expect("eth0 is an interface name")
}
