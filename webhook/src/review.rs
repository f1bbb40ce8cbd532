//! What the API server sends: an AdmissionReview, `admission.k8s.io/v1`.
//!
//! Borrowed from the body, with the objects left as text: most reviews are of pods that select no network, and those are
//! answered without reading them. Source: kubernetes/api, `admission/v1/types.go`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The only version that is answered. Every supported API server sends it; `v1beta1` left Kubernetes with 1.22.
pub const API_VERSION: &str = "admission.k8s.io/v1";

/// The kind of the envelope.
pub const KIND: &str = "AdmissionReview";

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
pub struct Request<'a> {
    /// Tells this call from all others; the answer repeats it.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// The kind of the object, after the API server has converted it to one that the webhook asked for.
    #[serde(borrow)]
    pub kind: Kind<'a>,
    /// Such as `status`; absent for the object itself.
    #[serde(default)]
    pub sub_resource: Option<Cow<'a, str>>,
    /// Empty while an object is to be named by its `generateName`.
    #[serde(default)]
    pub name: Option<Cow<'a, str>>,
    /// Absent for objects without a namespace.
    #[serde(default)]
    pub namespace: Option<Cow<'a, str>>,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    #[serde(borrow)]
    pub operation: Cow<'a, str>,
    /// Whether nothing of it is stored (`kubectl --dry-run=server`); `null` is no.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// The object as it is to be; `null` when it is to be deleted.
    #[serde(borrow, default)]
    pub object: Option<&'a RawValue>,
    /// The object as it is stored; `null` when it is to be created.
    #[serde(borrow, default)]
    pub old_object: Option<&'a RawValue>,
}

impl Request<'_> {
    /// The object's name; where it is still to be made, its `generateName` and a star.
    #[must_use]
    pub fn display_name(&self) -> String {
        #[derive(Default, Deserialize)]
        struct Object {
            #[serde(default)]
            metadata: Metadata,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Metadata {
            #[serde(default)]
            name: String,
            #[serde(default)]
            generate_name: String,
        }
        if let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) {
            return name.to_owned();
        }
        let object = self.object.or(self.old_object).map(RawValue::get);
        let object: Option<Object> = object.and_then(|object| serde_json::from_str(object).ok());
        match object.unwrap_or_default().metadata {
            Metadata { name, .. } if !name.is_empty() => name,
            Metadata { generate_name, .. } if !generate_name.is_empty() => {
                format!("{generate_name}*")
            }
            Metadata { .. } => String::new(),
        }
    }
}

/// A group and a kind. The version tells nothing: what is read of an object is the same in all.
#[derive(Debug, Deserialize)]
pub struct Kind<'a> {
    /// Empty for Kubernetes's core.
    #[serde(borrow, default)]
    pub group: Cow<'a, str>,
    /// Such as `Pod`.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
}

/// Why a body is no review that can be answered.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// Not the JSON of a review.
    #[error("reading the request's body as an AdmissionReview: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another version or kind.
    #[error(
        "the request's body is {api_version:?} {kind:?}; this webhook answers {API_VERSION:?} {KIND:?}: list v1 in admissionReviewVersions"
    )]
    Version {
        /// What it says it is.
        api_version: String,
        /// What it says it is.
        kind: String,
    },
    /// Nothing is asked.
    #[error("the AdmissionReview has no request")]
    NoRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    // Read only once the version is known to be ours.
    #[serde(borrow, default)]
    request: Option<&'a RawValue>,
}

/// Reads a body.
///
/// # Errors
/// It is no review of version 1, or has no request.
pub fn parse(body: &[u8]) -> Result<Request<'_>, ReviewError> {
    let envelope: Envelope<'_> = serde_json::from_slice(body)?;
    if envelope.api_version != API_VERSION || envelope.kind != KIND {
        return Err(ReviewError::Version {
            api_version: envelope.api_version.into_owned(),
            kind: envelope.kind.into_owned(),
        });
    }
    let request = envelope.request.ok_or(ReviewError::NoRequest)?;
    Ok(serde_json::from_str(request.get())?)
}
