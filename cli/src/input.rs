//! What the offline commands read: objects from files, the policy, and the cluster that these make up.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use admission::{Cluster, Policy, configuration};
use anyhow::{Context as _, Result};
use api::{
    objects::{self, Object, ObjectsError},
    pod::Metadata,
};
use serde::Deserialize as _;
use spec::network::Namespace;

/// The arguments that say what is read.
#[derive(Debug, clap::Args)]
pub(crate) struct InputArgs {
    /// Files or folders with Kubernetes objects, in YAML or JSON; `-` is standard input.
    #[arg(short, long = "filename", value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) filenames: Vec<PathBuf>,
    /// The namespace of objects that name none.
    #[arg(short, long, default_value = "default")]
    pub(crate) namespace: Namespace,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
}

/// The arguments that say how objects are judged.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct PolicyArgs {
    /// The administrator's policy: a file with an AdmissionConfiguration, as the webhook reads it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where a default network without a namespace is looked for (Multus's multusNamespace); instead of what the policy
    /// says, which is kube-system unless said otherwise.
    #[arg(long, value_name = "NAMESPACE")]
    system_namespace: Option<Namespace>,
}

/// A text that objects are read from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file as it was named, or `standard input`.
    pub(crate) name: String,
    /// What stands in it.
    pub(crate) text: String,
}

/// The name of standard input.
pub(crate) const STANDARD_INPUT: &str = "standard input";

impl PolicyArgs {
    /// The policy.
    ///
    /// # Errors
    /// The file cannot be read, or is no configuration.
    pub(crate) fn read(&self) -> Result<Policy> {
        let mut policy = match &self.config {
            None => Policy::default(),
            Some(file) => {
                let origin = file.display().to_string();
                let text = fs::read_to_string(file)
                    .with_context(|| format!("cannot read the configuration {origin}"))?;
                configuration::parse(&text, &origin)?
            }
        };
        if let Some(namespace) = &self.system_namespace {
            policy.system_namespace = namespace.clone();
        }
        Ok(policy)
    }
}

impl InputArgs {
    /// The texts of all files, each with its own error.
    pub(crate) fn sources(&self) -> Vec<Result<Source>> {
        self.filenames
            .iter()
            .flat_map(|name| sources(name))
            .collect()
    }
}

/// The texts of a file, of the files of a folder, or of standard input.
pub(crate) fn sources(filename: &Path) -> Vec<Result<Source>> {
    if filename == Path::new("-") {
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        return vec![read.context("cannot read standard input").map(|_| Source {
            name: STANDARD_INPUT.to_owned(),
            text,
        })];
    }
    let files = match objects::files(filename) {
        Ok(files) => files,
        Err(error) => return vec![Err(error.into())],
    };
    let source = |file: PathBuf| {
        let name = file.display().to_string();
        let read = fs::read_to_string(&file);
        let text = read.map_err(|problem| ObjectsError::Read {
            path: file,
            problem,
        })?;
        Ok(Source { name, text })
    };
    files.into_iter().map(source).collect()
}

/// The cluster that consists of these objects: its networks, and its namespaces with their labels.
///
/// # Errors
/// A NetworkAttachmentDefinition or a Namespace does not fit its kind.
pub(crate) fn cluster<'a>(
    objects: impl IntoIterator<Item = &'a Object>,
    default_namespace: &Namespace,
) -> Result<Cluster> {
    let mut cluster = Cluster::default();
    for object in objects {
        add(&mut cluster, object, default_namespace)?;
    }
    Ok(cluster)
}

/// Adds what one object tells of the cluster; objects of other kinds tell nothing.
///
/// # Errors
/// It does not fit its kind.
pub(crate) fn add(
    cluster: &mut Cluster,
    object: &Object,
    default_namespace: &Namespace,
) -> Result<()> {
    for network in objects::networks(std::slice::from_ref(object), default_namespace.as_str())? {
        cluster.networks.insert(network);
    }
    cluster
        .devices
        .extend(std::slice::from_ref(object), default_namespace.as_str())?;
    if object.kind == "Namespace" && object.api_version == "v1" {
        let invalid = || format!("{} is not a valid Namespace", object.origin);
        let metadata = Metadata::deserialize(&object.value["metadata"]).with_context(invalid)?;
        let name = metadata.name.as_str().parse().with_context(invalid)?;
        cluster.namespaces.insert(name, metadata.labels);
    }
    Ok(())
}
