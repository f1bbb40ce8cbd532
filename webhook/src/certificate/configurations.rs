//! What webhook configurations tell API servers to trust (`webhooks[*].clientConfig.caBundle`), and setting that right.
//!
//! Only that field is written, by a JSON patch that fails when the configuration has changed meanwhile. With server-side
//! apply the field would be ours for good, and a webhook that its owner removes would stay behind with nothing else in it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certs::ca_bundle::CaBundle;
use json_patch::{AddOperation, Patch, PatchOperation, TestOperation};
use jsonptr::PointerBuf;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::{
    Api, Client,
    api::{self, PatchParams},
    core::{ApiResource, DynamicObject},
};
use serde_json::Value;
use tracing::info;

/// Configurations by name, of both kinds.
#[derive(Clone, Debug)]
pub struct Configurations(Vec<Configuration>);

/// One that may be there.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its kind.
    pub api: Api<DynamicObject>,
    /// Its name.
    pub name: String,
    /// Kind and name, for people.
    pub title: String,
}

/// A configuration could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{action} {title}: {source}")]
pub struct ConfigurationError {
    action: &'static str,
    title: String,
    source: kube::Error,
}

impl Configurations {
    /// Those of these names, of whatever kind.
    #[must_use]
    pub fn new(client: &Client, names: &[String]) -> Self {
        let kinds = [
            ApiResource::erase::<MutatingWebhookConfiguration>(&()),
            ApiResource::erase::<ValidatingWebhookConfiguration>(&()),
        ];
        let each = names.iter().flat_map(|name| {
            kinds.iter().map(move |kind| Configuration {
                api: Api::all_with(client.clone(), kind),
                name: name.clone(),
                title: format!("{} {name}", kind.kind),
            })
        });
        Self(each.collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Configuration> {
        self.0.iter()
    }

    /// Makes all that are there trust these CAs and no others; whether they do now.
    ///
    /// `is_current` is asked after each was read and before it is written: whether these CAs still are the right ones.
    ///
    /// # Errors
    /// One could not be read or written; those before it are right.
    pub async fn publish(
        &self,
        trust: &CaBundle,
        is_current: impl AsyncFn() -> bool,
    ) -> Result<bool, ConfigurationError> {
        let mut all = true;
        for configuration in &self.0 {
            all &= configuration.publish(trust, &is_current).await?;
        }
        Ok(all)
    }

    /// Where API servers call, by those that are there.
    ///
    /// # Errors
    /// One could not be read.
    pub async fn client_configs(&self) -> Result<Vec<Value>, ConfigurationError> {
        let mut found = Vec::new();
        for configuration in &self.0 {
            let object = configuration.read().await?;
            let webhooks = object.as_ref().map(webhooks).unwrap_or_default();
            for webhook in webhooks {
                if let Some(client_config) = webhook.get("clientConfig")
                    && !found.contains(client_config)
                {
                    found.push(client_config.clone());
                }
            }
        }
        Ok(found)
    }
}

impl Configuration {
    async fn read(&self) -> Result<Option<DynamicObject>, ConfigurationError> {
        let found = self.api.get_opt(&self.name).await;
        found.map_err(|source| self.error("reading", source))
    }

    async fn publish(
        &self,
        trust: &CaBundle,
        is_current: impl AsyncFn() -> bool,
    ) -> Result<bool, ConfigurationError> {
        let Some(object) = self.read().await? else {
            return Ok(true);
        };
        let Some(patch) = correction(&object, trust) else {
            return Ok(true);
        };
        if !is_current().await {
            return Ok(false);
        }
        let patch = api::Patch::Json::<()>(patch);
        let patched = self
            .api
            .patch(&self.name, &PatchParams::default(), &patch)
            .await;
        match patched {
            Ok(object) => {
                info!(configuration = self.title, "caBundle set");
                // Its answer is what it stored.
                Ok(correction(&object, trust).is_none())
            }
            // It has changed or gone meanwhile; the next round sees to it.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409 | 422) => Ok(false),
            Err(source) => Err(self.error("setting the caBundle of", source)),
        }
    }

    fn error(&self, action: &'static str, source: kube::Error) -> ConfigurationError {
        ConfigurationError {
            action,
            title: self.title.clone(),
            source,
        }
    }
}

fn webhooks(object: &DynamicObject) -> &[Value] {
    let webhooks = object.data.get("webhooks").and_then(Value::as_array);
    webhooks.map(Vec::as_slice).unwrap_or_default()
}

/// What each webhook of a configuration tells its clients to trust; `None` for one that tells nothing, or nothing readable.
#[must_use]
pub fn told(object: &DynamicObject) -> Vec<Option<CaBundle>> {
    webhooks(object).iter().map(told_by).collect()
}

fn told_by(webhook: &Value) -> Option<CaBundle> {
    let text = webhook.pointer("/clientConfig/caBundle")?.as_str()?;
    let pem = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    CaBundle::from_pem(&pem).ok()
}

/// What makes every webhook of a configuration trust these CAs and no others; `None` when they all do.
#[must_use]
pub fn correction(object: &DynamicObject, trust: &CaBundle) -> Option<Patch> {
    let mut operations = Vec::new();
    for (index, webhook) in webhooks(object).iter().enumerate() {
        let is_right = told_by(webhook).is_some_and(|told| told.trusts_the_same(trust));
        if is_right || webhook.get("clientConfig").is_none() {
            continue;
        }
        let index = index.to_string();
        operations.push(PatchOperation::Add(AddOperation {
            path: PointerBuf::from_tokens(["webhooks", &index, "clientConfig", "caBundle"]),
            value: Value::String(STANDARD.encode(trust.pem())),
        }));
    }
    if operations.is_empty() {
        return None;
    }
    // The positions are those of this version only.
    let version = object.metadata.resource_version.clone().unwrap_or_default();
    let test = PatchOperation::Test(TestOperation {
        path: PointerBuf::from_tokens(["metadata", "resourceVersion"]),
        value: Value::String(version),
    });
    operations.insert(0, test);
    Some(Patch(operations))
}

#[cfg(test)]
mod tests {
    use certs::authority::Authority;
    use serde_json::json;
    use time::{Duration, OffsetDateTime};

    use super::*;

    fn authority() -> Authority {
        Authority::generate("a", OffsetDateTime::now_utc(), Duration::DAY).unwrap()
    }

    fn object(bundles: &[Option<&str>]) -> DynamicObject {
        let webhook = |bundle: &Option<&str>| {
            let mut webhook = json!({"name": "a.b.c", "clientConfig": {"url": "https://a"}});
            if let Some(bundle) = bundle {
                webhook["clientConfig"]["caBundle"] = json!(STANDARD.encode(bundle));
            }
            webhook
        };
        let webhooks: Vec<Value> = bundles.iter().map(webhook).collect();
        serde_json::from_value(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "n", "resourceVersion": "7"}, "webhooks": webhooks,
        }))
        .unwrap()
    }

    #[test]
    fn only_what_is_wrong_is_set_right_and_nothing_else_touched() {
        let (old, new) = (authority(), authority());
        let both = CaBundle::from(&old).union((&new).into());
        let reversed = format!("# a comment\n{}{}", new.pem(), old.pem());
        let before = object(&[
            Some(&reversed),
            None,
            Some(""),
            Some("no PEM"),
            Some(old.pem()),
        ]);
        let patch = correction(&before, &both).unwrap();
        let mut after = serde_json::to_value(&before).unwrap();
        json_patch::patch(&mut after, &patch).unwrap();
        let after: DynamicObject = serde_json::from_value(after).unwrap();
        assert_eq!(patch.len(), 5);
        assert_eq!(correction(&after, &both), None);
        let told = told(&after);
        assert!(
            told.iter()
                .flatten()
                .all(|told| told.trusts_the_same(&both))
        );
        assert_eq!(told.len(), 5);
        let path = "/webhooks/0/clientConfig/caBundle";
        assert_eq!(after.data.pointer(path), before.data.pointer(path));

        // What has changed meanwhile is looked at again.
        let mut moved = serde_json::to_value(&before).unwrap();
        moved["metadata"]["resourceVersion"] = json!("8");
        json_patch::patch(&mut moved, &patch).unwrap_err();
    }

    #[test]
    fn what_has_no_webhooks_is_right() {
        let trust = CaBundle::from(&authority());
        assert_eq!(correction(&object(&[]), &trust), None);
        let mut odd = object(&[]);
        for webhooks in [json!(null), json!({}), json!([null, {}, []])] {
            odd.data["webhooks"] = webhooks;
            assert_eq!(correction(&odd, &trust), None);
        }
    }
}
