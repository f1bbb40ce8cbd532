//! Objects of a kind, page by page, and single ones.

use std::time::Duration;

use kube::{
    Error,
    api::{GetParams, ListParams, Request},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{Cluster, Kind, Unseen};

/// So many objects at a time.
const PAGE: u32 = 500;

/// So many times as long as one request may all pages of a kind take.
const PAGES: u32 = 6;

/// What came of listing a kind.
#[derive(Clone, Debug)]
pub(crate) struct Listed<T = Value> {
    /// What was seen.
    pub(crate) items: Vec<T>,
    /// Why that is nothing, or not all.
    pub(crate) unseen: Option<Unseen>,
}

impl<T> Listed<Option<T>> {
    /// Those that could be read, and how many could not.
    pub(crate) fn readable(self, kind: &Kind) -> Listed<T> {
        let all = self.items.len();
        let items: Vec<T> = self.items.into_iter().flatten().collect();
        let broken = all - items.len();
        let malformed = (broken > 0).then(|| Unseen::malformed(kind, broken));
        Listed {
            items,
            unseen: self.unseen.or(malformed),
        }
    }

    /// Those that were kept.
    pub(crate) fn kept(self) -> Listed<T> {
        Listed {
            items: self.items.into_iter().flatten().collect(),
            unseen: self.unseen,
        }
    }
}

/// Where objects are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope<'a> {
    /// Everywhere; for kinds without namespaces, too.
    Cluster,
    /// In one namespace.
    Namespace(&'a str),
}

/// Which objects; all where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection<'a> {
    /// A field selector.
    pub(crate) fields: Option<&'a str>,
    /// A label selector.
    pub(crate) labels: Option<&'a str>,
}

impl<'a> Selection<'a> {
    /// By a field selector; all objects where it is empty.
    pub(crate) fn by_fields(fields: &'a str) -> Self {
        Self {
            fields: Some(fields).filter(|fields| !fields.is_empty()),
            labels: None,
        }
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Continue,
    #[serde(default)]
    items: Vec<Value>,
}

#[derive(Default, Deserialize)]
struct Continue {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

impl<'a> Scope<'a> {
    fn namespace(self) -> Option<&'a str> {
        match self {
            Self::Cluster => None,
            Self::Namespace(name) => Some(name),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Cluster => "of the cluster".to_owned(),
            Self::Namespace(name) => format!("of the namespace {name}"),
        }
    }
}

impl Cluster {
    /// The objects of a kind, with `apiVersion` and `kind`, without `managedFields`.
    ///
    /// What was read before an obstacle is kept. Lists that are read together take turns.
    pub(crate) async fn list(
        &self,
        kind: &Kind,
        scope: Scope<'_>,
        selection: Selection<'_>,
    ) -> Listed {
        self.list_each(kind, scope, selection, |object| object)
            .await
    }

    /// As [`Self::list`], keeping of each object only what `keep` takes: a cluster's pods are large, and many.
    pub(crate) async fn list_each<T>(
        &self,
        kind: &Kind,
        scope: Scope<'_>,
        selection: Selection<'_>,
        mut keep: impl FnMut(Value) -> T,
    ) -> Listed<T> {
        let mut items = Vec::new();
        let mut take = |page: Vec<Value>| {
            let page = page.into_iter();
            items.extend(page.map(|object| keep(as_from_a_file(object, kind))));
        };
        let read = self.pages(kind, scope, selection, &mut take).await;
        Listed {
            items,
            unseen: read.err(),
        }
    }

    async fn pages(
        &self,
        kind: &Kind,
        scope: Scope<'_>,
        Selection { fields, labels }: Selection<'_>,
        take: &mut impl FnMut(Vec<Value>),
    ) -> Result<(), Unseen> {
        let _turn = self.turns.acquire().await;
        let path = Request::new(kind.path(scope.namespace()));
        let end = Instant::now() + self.request_timeout * PAGES;
        let mut seen = 0;
        let mut parameters = ListParams::default().limit(PAGE);
        parameters.field_selector = fields.map(str::to_owned);
        parameters.label_selector = labels.map(str::to_owned);
        let failed = |error: &Error| Unseen::of(kind, "list", &scope.words(), error);
        loop {
            let request = path.list(&parameters).map_err(Error::BuildRequest);
            let request = request.map_err(|error| failed(&error))?;
            let until = end.min(Instant::now() + self.request_timeout);
            let page = timeout_at(until, self.client().request::<Page>(request)).await;
            let late = |_| Unseen::late(kind, &scope.words(), seen, self.request_timeout);
            let page = page.map_err(late)?.map_err(|error| failed(&error))?;
            seen += page.items.len();
            take(page.items);
            match page.metadata.token.filter(|token| !token.is_empty()) {
                Some(token) => parameters = parameters.continue_token(&token),
                None => return Ok(()),
            }
        }
    }

    /// One object; none where it is not there.
    ///
    /// # Errors
    /// It cannot be seen whether it is there. A kind that is not served looks as an object that is not there.
    pub(crate) async fn get(
        &self,
        kind: &Kind,
        scope: Scope<'_>,
        name: &str,
    ) -> Result<Option<Value>, Unseen> {
        let _turn = self.turns.acquire().await;
        let words = format!("{name} {}", scope.words());
        let failed = |error: &Error| Unseen::of(kind, "get", &words, error);
        let request = Request::new(kind.path(scope.namespace())).get(name, &GetParams::default());
        let request = request
            .map_err(Error::BuildRequest)
            .map_err(|error| failed(&error))?;
        let limit: Duration = self.request_timeout;
        let answer = self.client().request::<Value>(request);
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(object)) => Ok(Some(as_from_a_file(object, kind))),
            Ok(Err(Error::Api(status))) if status.code == 404 => Ok(None),
            Ok(Err(error)) => Err(failed(&error)),
            Err(_) => Err(Unseen::late(kind, &words, 0, limit)),
        }
    }
}

/// An object as it would stand in a file: lists leave its kind to themselves, and nobody here reads who wrote which field.
fn as_from_a_file(mut object: Value, kind: &Kind) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".to_owned(), kind.api_version().into());
        fields.insert("kind".to_owned(), kind.kind.into());
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
    }
    object
}
