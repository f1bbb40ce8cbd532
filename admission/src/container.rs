//! The containers that hold devices: app containers, and sidecars among the init containers.
//!
//! Ordinary init containers are not among them: the kubelet gives their devices to the app containers again.

use std::fmt;

use api::pod::{Container, Pod};

/// Which list of a pod a container stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerKind {
    /// `spec.containers`.
    App,
    /// `spec.initContainers`, with `restartPolicy: Always`.
    Sidecar,
}

/// A container of a pod that holds devices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerRef {
    /// Its list.
    pub kind: ContainerKind,
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
}

impl ContainerRef {
    /// The list's name in the manifest.
    #[must_use]
    pub const fn list(&self) -> &'static str {
        match self.kind {
            ContainerKind::App => "containers",
            ContainerKind::Sidecar => "initContainers",
        }
    }

    /// The container in its pod, if the pod has it.
    pub(crate) fn of<'a>(&self, pod: &'a Pod) -> Option<&'a Container> {
        match self.kind {
            ContainerKind::App => pod.spec.containers.get(self.index),
            ContainerKind::Sidecar => pod.spec.init_containers.get(self.index),
        }
    }
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ContainerKind::App => "container",
            ContainerKind::Sidecar => "sidecar",
        };
        match self.name.as_str() {
            "" => write!(f, "{kind} {}", self.index),
            name => write!(f, "{kind} {name:?}"),
        }
    }
}

/// The containers of `pod` that hold devices, app containers first.
pub(crate) fn holders(pod: &Pod) -> impl Iterator<Item = (ContainerRef, &Container)> {
    let apps = pod.spec.containers.iter().enumerate();
    let sidecars = pod.spec.init_containers.iter().enumerate();
    apps.map(|(index, container)| (reference(ContainerKind::App, index, container), container))
        .chain(
            sidecars
                .filter(|(_, container)| container.is_sidecar())
                .map(|(index, container)| {
                    (
                        reference(ContainerKind::Sidecar, index, container),
                        container,
                    )
                }),
        )
}

fn reference(kind: ContainerKind, index: usize, container: &Container) -> ContainerRef {
    ContainerRef {
        kind,
        index,
        name: container.name.clone(),
    }
}
