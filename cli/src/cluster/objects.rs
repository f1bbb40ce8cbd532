//! Objects wherever they come from: an API server, or files.

use std::{future::Future, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use api::objects::{self, Object};
use serde_json::Value;

use super::{Access, Cluster, Kind, Listed, Scope, Selection};
use crate::input;

/// The argument of commands that look at files as well as at a cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FilesArgs {
    /// Files or folders with objects instead of a cluster, as `kubectl get -A -o yaml` prints them; `-` is standard input.
    #[arg(short, long = "filename", value_name = "FILE", num_args = 1.., conflicts_with_all = ["kubeconfig", "context"])]
    pub(crate) filenames: Vec<PathBuf>,
}

/// Where objects come from.
pub(crate) enum Objects {
    /// From an API server.
    Cluster(Cluster),
    /// From files, with the namespace of objects that name none.
    Files {
        /// What stands in them.
        objects: Vec<Object>,
        /// The namespace that is meant where none is named.
        namespace: String,
    },
}

impl Objects {
    /// Opens the files, or connects, and does what is to be done with the objects.
    ///
    /// # Errors
    /// A file cannot be read, or there is no object in them; the cluster cannot be reached; or what `read` says.
    pub(crate) fn reading<T, F>(
        access: &Access,
        files: &FilesArgs,
        read: impl FnOnce(Self) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        if files.filenames.is_empty() {
            return access.reading(|cluster| read(Self::Cluster(cluster)));
        }
        let namespace = access.namespace.as_ref();
        let namespace = namespace.map_or("default", |namespace| namespace.as_str());
        let mut found = Vec::new();
        for source in files.filenames.iter().flat_map(|name| input::sources(name)) {
            let source = source?;
            found.extend(objects::parse(&source.text, &source.name)?);
        }
        if found.is_empty() {
            bail!("there is no object in the input; name files that hold some");
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .context("cannot prepare reading")?;
        runtime.block_on(read(Self::of_files(found, namespace)))
    }

    /// Objects of files.
    pub(crate) fn of_files(objects: Vec<Object>, namespace: &str) -> Self {
        Self::Files {
            objects,
            namespace: namespace.to_owned(),
        }
    }

    /// The namespace that is meant where none is named.
    pub(crate) fn namespace(&self) -> &str {
        match self {
            Self::Cluster(cluster) => &cluster.namespace,
            Self::Files { namespace, .. } => namespace,
        }
    }

    /// The objects of a kind. Selections are a matter of the API server; what stands in files is all there.
    pub(crate) async fn list(
        &self,
        kind: &Kind,
        scope: Scope<'_>,
        selection: Selection<'_>,
    ) -> Listed {
        match self {
            Self::Cluster(cluster) => cluster.list(kind, scope, selection).await,
            Self::Files { objects, namespace } => Listed {
                items: of_kind(objects, kind, scope, namespace).collect(),
                unseen: None,
            },
        }
    }

    /// As [`Self::list`], keeping of each object only what `keep` takes.
    pub(crate) async fn list_each<T>(
        &self,
        kind: &Kind,
        scope: Scope<'_>,
        selection: Selection<'_>,
        keep: impl FnMut(Value) -> T,
    ) -> Listed<T> {
        match self {
            Self::Cluster(cluster) => cluster.list_each(kind, scope, selection, keep).await,
            Self::Files { objects, namespace } => Listed {
                items: of_kind(objects, kind, scope, namespace).map(keep).collect(),
                unseen: None,
            },
        }
    }
}

/// The objects of a kind in files, each with its namespace written out.
fn of_kind<'a>(
    objects: &'a [Object],
    kind: &'a Kind,
    scope: Scope<'a>,
    default_namespace: &'a str,
) -> impl Iterator<Item = Value> + 'a {
    let is_of_kind = move |object: &&Object| {
        object.kind == kind.kind && object.api_version == kind.api_version()
    };
    let found = objects.iter().filter(is_of_kind).map(move |object| {
        let mut value = object.value.clone();
        if kind.is_namespaced()
            && let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut)
        {
            let namespace = metadata.entry("namespace").or_insert(Value::Null);
            if namespace.as_str().is_none_or(str::is_empty) {
                *namespace = default_namespace.into();
            }
        }
        value
    });
    found.filter(move |value| match scope {
        Scope::Cluster => true,
        Scope::Namespace(name) => value["metadata"]["namespace"] == name,
    })
}
