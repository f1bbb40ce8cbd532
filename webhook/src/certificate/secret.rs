//! The bundle of certificates in a Secret that all replicas share.

use std::{collections::BTreeMap, time::SystemTime};

use certs::store::{Bundle, Store};
use futures::StreamExt as _;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tracing::{info, warn};

use super::{status::Status, with_causes};

/// Since when the rotation is in its phase, as RFC 3339.
const SINCE: &str = "polypod.dev/rotation-phase-since";

/// The phase, for people: what is stored says it by itself.
const PHASE: &str = "polypod.dev/rotation-phase";

const CA: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const NEXT_KEY: &str = "ca-next.key";
const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";

/// A Secret of type `kubernetes.io/tls` with the CA's keys beside the usual three.
#[derive(Clone, Debug)]
pub struct SecretStore {
    api: Api<Secret>,
    name: String,
}

/// The Secret could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Another replica was quicker.
    #[error("writing Secret {0}: it has changed since it was read; it is read again")]
    Conflict(String),
    /// Anything else.
    #[error("{action} Secret {name}: {source}")]
    Api {
        /// What was attempted.
        action: &'static str,
        /// On which.
        name: String,
        /// What the API server said.
        source: kube::Error,
    },
}

impl SecretStore {
    /// The Secret of this name, which need not be there yet.
    #[must_use]
    pub fn new(client: &Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client.clone(), namespace),
            name: name.to_owned(),
        }
    }

    /// Serves what is stored, whenever it changes, for ever.
    pub async fn follow(self, status: &Status, wake: &Notify) {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
        let mut events = std::pin::pin!(watcher(self.api, config).default_backoff());
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(secret) | Event::InitApply(secret)) => {
                    let bundle = read(&secret);
                    // Made for us to fill, and not filled yet.
                    if bundle == Bundle::NOTHING {
                        continue;
                    }
                    match status.take(&bundle, OffsetDateTime::now_utc()) {
                        Ok(true) => info!(secret = self.name, "Certificate loaded"),
                        Ok(false) => {}
                        Err(error) => {
                            warn!(
                                error = with_causes(&error),
                                secret = self.name,
                                "Certificate not loaded, the one before is served on"
                            );
                        }
                    }
                    wake.notify_one();
                }
                Ok(Event::Delete(_)) => {
                    warn!(
                        secret = self.name,
                        "The Secret was deleted, its certificate is served on"
                    );
                    wake.notify_one();
                }
                Ok(Event::Init | Event::InitDone) => {}
                Err(error) => {
                    warn!(%error, secret = self.name, "Watching the Secret failed, trying again");
                }
            }
        }
    }
}

impl Store for SecretStore {
    /// The whole object: what others wrote into it stays.
    type Revision = Option<Secret>;
    type Error = SecretError;

    async fn load(&self) -> Result<(Option<Bundle>, Option<Secret>), SecretError> {
        let found = self.api.get_opt(&self.name).await;
        let secret = found.map_err(|source| self.error("reading", source))?;
        // One that was made for us to fill is as good as none.
        let bundle = secret
            .as_ref()
            .map(read)
            .filter(|bundle| *bundle != Bundle::NOTHING);
        Ok((bundle, secret))
    }

    async fn save(&self, bundle: &Bundle, replaced: &Option<Secret>) -> Result<(), SecretError> {
        let params = PostParams::default();
        let secret = written(bundle, replaced.clone(), &self.name);
        let saved = match replaced {
            Some(_) => self.api.replace(&self.name, &params, &secret).await,
            None => self.api.create(&params, &secret).await,
        };
        saved
            .map(drop)
            .map_err(|source| self.error("writing", source))
    }
}

impl SecretStore {
    fn error(&self, action: &'static str, source: kube::Error) -> SecretError {
        let name = self.name.clone();
        match source {
            kube::Error::Api(status) if status.code == 409 => SecretError::Conflict(name),
            source => SecretError::Api {
                action,
                name,
                source,
            },
        }
    }
}

/// What is no text is as good as nothing, and told of as such.
fn read(secret: &Secret) -> Bundle {
    let field = |key: &str| {
        let bytes = secret.data.as_ref()?.get(key)?;
        String::from_utf8(bytes.0.clone()).ok()
    };
    let since = secret
        .metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(SINCE));
    Bundle {
        ca_crt: field(CA).unwrap_or_default(),
        ca_key: field(CA_KEY),
        next_key: field(NEXT_KEY),
        tls_crt: field(CHAIN).unwrap_or_default(),
        tls_key: field(KEY).unwrap_or_default(),
        since: since
            .and_then(|text| humantime::parse_rfc3339(text).ok())
            .map(OffsetDateTime::from),
    }
}

/// The Secret with `bundle` in it, in place of `replaced`.
fn written(bundle: &Bundle, replaced: Option<Secret>, name: &str) -> Secret {
    let mut secret = replaced.unwrap_or_else(|| Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        type_: Some("kubernetes.io/tls".to_owned()),
        ..Secret::default()
    });
    let data = secret.data.get_or_insert_default();
    let Bundle {
        ca_crt,
        ca_key,
        next_key,
        tls_crt,
        tls_key,
        since,
    } = bundle;
    set(data, CA, Some(ca_crt));
    set(data, CA_KEY, ca_key.as_ref());
    set(data, NEXT_KEY, next_key.as_ref());
    set(data, CHAIN, Some(tls_crt));
    set(data, KEY, Some(tls_key));
    let annotations = secret.metadata.annotations.get_or_insert_default();
    let phase = certs::state::State::read(bundle).phase();
    annotations.insert(PHASE.to_owned(), phase.as_str().to_owned());
    match since {
        Some(since) => {
            let since = humantime::format_rfc3339_seconds(SystemTime::from(*since));
            drop(annotations.insert(SINCE.to_owned(), since.to_string()));
        }
        None => drop(annotations.remove(SINCE)),
    }
    secret
}

fn set(data: &mut BTreeMap<String, ByteString>, key: &str, text: Option<&String>) {
    match text {
        Some(text) => {
            let bytes = ByteString(text.clone().into_bytes());
            drop(data.insert(key.to_owned(), bytes));
        }
        None => drop(data.remove(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        Bundle {
            ca_crt: "a".to_owned(),
            ca_key: Some("b".to_owned()),
            next_key: Some("c".to_owned()),
            tls_crt: "d".to_owned(),
            tls_key: "e".to_owned(),
            since: Some(OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let secret = written(&bundle(), None, "s");
        assert_eq!(read(&secret), bundle());
        assert_eq!(secret.type_.as_deref(), Some("kubernetes.io/tls"));
        let annotations = secret.metadata.annotations.as_ref().unwrap();
        assert_eq!(annotations[SINCE], "2027-01-15T08:00:00Z");
        let less = Bundle {
            ca_key: None,
            next_key: None,
            since: None,
            ..bundle()
        };
        assert_eq!(read(&written(&less, Some(secret), "s")), less);
        assert_eq!(read(&Secret::default()), Bundle::NOTHING);
    }

    #[test]
    fn what_others_wrote_stays() {
        let mut secret = written(&bundle(), None, "s");
        let label = BTreeMap::from([("owner".to_owned(), "helm".to_owned())]);
        secret.metadata.labels = Some(label.clone());
        secret.metadata.resource_version = Some("7".to_owned());
        secret.type_ = Some("Opaque".to_owned());
        let data = secret.data.as_mut().unwrap();
        data.insert("more".to_owned(), ByteString(vec![0xff]));
        data.insert(CA_KEY.to_owned(), ByteString(vec![0xff]));
        assert_eq!(read(&secret).ca_key, None, "no text, no key");
        let again = written(&bundle(), Some(secret), "s");
        assert_eq!(again.metadata.labels, Some(label));
        assert_eq!(again.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(again.type_.as_deref(), Some("Opaque"));
        assert!(again.data.unwrap().contains_key("more"));
    }
}
