//! What an application with devices reads about its pod from files, in the places and under the names of the network
//! resources injector: a `downwardAPI` volume at `/etc/podnetinfo`.
//!
//! It is a convenience: nothing of it is a reason to deny a pod, and what a pod's author has put in its place stays.

use api::pod::{Container, Pod};

use crate::{Warning, hugepages, policy::Injection};

/// The volume's name.
pub(crate) const VOLUME: &str = "podnetinfo";

/// Where containers see it.
pub(crate) const MOUNT_PATH: &str = "/etc/podnetinfo";

/// The variable that tells a container its name, by which it finds its files.
pub(crate) const CONTAINER_NAME: &str = "CONTAINER_NAME";

/// What is added to a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodNetInfo {
    /// The files of the volume that is added; none where it is there.
    pub files: Vec<DownwardFile>,
    /// The app containers, by index, that get a mount.
    pub mounts: Vec<usize>,
    /// The app containers, by index, that are told their names.
    pub names: Vec<usize>,
}

/// A file of a `downwardAPI` volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownwardFile {
    /// Its path below the mount.
    pub path: String,
    /// What it shows.
    pub source: DownwardSource,
}

/// What a file of a `downwardAPI` volume shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownwardSource {
    /// A field of the pod, such as `metadata.labels`.
    Field(&'static str),
    /// A quantity of a container in MiB, such as its `requests.hugepages-1Gi`.
    Resource {
        /// The container's name.
        container: String,
        /// The quantity.
        resource: String,
    },
}

/// Plans the files of `pod`, a pod that has its annotations already.
pub(crate) fn plan(pod: &Pod, injection: &Injection, warnings: &mut Vec<Warning>) -> PodNetInfo {
    let mut info = PodNetInfo::default();
    if !injection.pod_net_info && !injection.hugepages {
        return info;
    }
    let hugepages = if injection.hugepages {
        hugepages::files(pod)
    } else {
        Vec::new()
    };
    let volumes = pod.spec.volumes.as_deref().unwrap_or_default();
    match volumes.iter().find(|volume| volume.name == VOLUME) {
        Some(volume) if volume.downward_api.is_some() => {}
        Some(_) => {
            warnings.push(Warning::new(&format!(
                "volume {VOLUME} is the pod's own and no downwardAPI volume; nothing is mounted at {MOUNT_PATH}"
            )));
            return info;
        }
        None => info.files = files(pod, &hugepages),
    }
    for (index, container) in pod.spec.containers.iter().enumerate() {
        if lacks_mount(container, warnings) {
            info.mounts.push(index);
        }
        let has_file = |file: &DownwardFile| matches!(&file.source, DownwardSource::Resource { container: name, .. } if *name == container.name);
        if hugepages.iter().any(has_file) && lacks_name(container, warnings) {
            info.names.push(index);
        }
    }
    info
}

fn files(pod: &Pod, hugepages: &[DownwardFile]) -> Vec<DownwardFile> {
    let field = |is_there: bool, path: &str, field| {
        is_there.then(|| DownwardFile {
            path: path.to_owned(),
            source: DownwardSource::Field(field),
        })
    };
    let metadata = &pod.metadata;
    field(!metadata.labels.is_empty(), "labels", "metadata.labels")
        .into_iter()
        .chain(field(
            !metadata.annotations.is_empty(),
            "annotations",
            "metadata.annotations",
        ))
        .chain(hugepages.iter().cloned())
        .collect()
}

fn lacks_mount(container: &Container, warnings: &mut Vec<Warning>) -> bool {
    let mounts = container.volume_mounts.as_deref().unwrap_or_default();
    let there = mounts
        .iter()
        .find(|mount| mount.mount_path.trim_end_matches('/') == MOUNT_PATH);
    if let Some(mount) = there.filter(|mount| mount.name != VOLUME) {
        warnings.push(Warning::new(&format!(
            "container {:?} mounts volume {:?} at {MOUNT_PATH}; {VOLUME} is not mounted there",
            container.name, mount.name
        )));
    }
    there.is_none()
}

fn lacks_name(container: &Container, warnings: &mut Vec<Warning>) -> bool {
    let variables = container.env.as_deref().unwrap_or_default();
    let there = variables
        .iter()
        .find(|variable| variable.name == CONTAINER_NAME);
    let is_right = |value: &serde_json::Value| value.as_str() == Some(&container.name);
    if there.is_some_and(|variable| !variable.value.as_ref().is_some_and(is_right)) {
        warnings.push(Warning::new(&format!(
            "container {:?} has another {CONTAINER_NAME}, by which it will not find its files below {MOUNT_PATH}",
            container.name
        )));
    }
    there.is_none()
}
