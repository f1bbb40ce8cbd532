//! The network resources injector's ConfigMap, watched for clusters that have one: `--control-switches`.

use std::{fmt, str::FromStr};

use admission::control_switches::{ControlSwitches, KEY};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use spec::{
    NameError,
    network::{Namespace, ObjectName},
};
use tracing::{error, info, warn};

use crate::configured::{Configured, Origin};

/// A ConfigMap, as `NAMESPACE/NAME`. The injector's is `kube-system/nri-control-switches`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMapName {
    namespace: Namespace,
    name: ObjectName,
}

/// No `NAMESPACE/NAME`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigMapNameError {
    /// It has no slash.
    #[error("{0:?} has no namespace; write NAMESPACE/NAME")]
    NoNamespace(String),
    /// One of the two is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl FromStr for ConfigMapName {
    type Err = ConfigMapNameError;

    fn from_str(text: &str) -> Result<Self, ConfigMapNameError> {
        let (namespace, name) = text
            .split_once('/')
            .ok_or_else(|| ConfigMapNameError::NoNamespace(text.to_owned()))?;
        let (namespace, name) = (namespace.parse()?, name.parse()?);
        Ok(Self { namespace, name })
    }
}

impl fmt::Display for ConfigMapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Lays the ConfigMap's switches over the policy whenever they change, for ever. That it is not there is an answer, too; until
/// there is one, [`Configured::awaited`] says so.
pub async fn watch(client: Client, name: &ConfigMapName, configured: &Configured) {
    let api: Api<ConfigMap> = Api::namespaced(client, name.namespace.as_str());
    let only = watcher::Config::default().fields(&format!("metadata.name={}", name.name));
    feed(watcher(api, only).default_backoff(), name, configured).await;
}

async fn feed(
    events: impl Stream<Item = watcher::Result<Event<ConfigMap>>>,
    name: &ConfigMapName,
    configured: &Configured,
) {
    let mut events = std::pin::pin!(events);
    let mut is_listed = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => is_listed = false,
            Ok(Event::InitApply(map) | Event::Apply(map)) => {
                is_listed = true;
                take(&map, name, configured);
            }
            Ok(Event::InitDone) if is_listed => {}
            Ok(Event::InitDone | Event::Delete(_)) => {
                configured.switch(None);
                info!(config_map = %name, "No control switches: the policy is as it is written");
            }
            Err(error) => {
                warn!(%error, config_map = %name, "Watching the control switches failed, trying again");
                // Later on what was read last is better than nothing.
                if configured.awaited().is_some() {
                    let error =
                        format!("reading {name}: {error}; grant list and watch of configmaps");
                    configured.refuse(Origin::ControlSwitches, error);
                }
            }
        }
    }
}

fn take(map: &ConfigMap, name: &ConfigMapName, configured: &Configured) {
    let text = map.data.as_ref().and_then(|data| data.get(KEY));
    match text.map(|text| ControlSwitches::parse(text)).transpose() {
        Ok(switches) => {
            configured.switch(switches);
            info!(config_map = %name, "Control switches taken");
        }
        Err(error) => {
            let error = format!("{name}: {error}");
            error!(
                error,
                "Control switches not taken, the last good ones stay; mend the ConfigMap, it is watched"
            );
            configured.refuse(Origin::ControlSwitches, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use serde_json::json;

    use super::*;

    fn map(text: Option<&str>) -> ConfigMap {
        serde_json::from_value(
            json!({"metadata": {"name": "a"}, "data": text.map(|text| json!({KEY: text}))}),
        )
        .unwrap()
    }

    #[tokio::test]
    async fn good_ones_are_taken_bad_ones_are_not_and_none_are_the_defaults() {
        let name: ConfigMapName = "kube-system/nri-control-switches".parse().unwrap();
        let configured = Configured::default();
        let honors = async |events: Vec<Event<ConfigMap>>| {
            feed(stream::iter(events.into_iter().map(Ok)), &name, &configured).await;
            let faults = configured.standing().faults;
            let is_bad = faults.iter().any(|(_, fault)| fault.is_some());
            (
                configured.current().injection.honor_existing_resources,
                is_bad,
            )
        };
        let on = || {
            map(Some(
                r#"{"features": {"enableHonorExistingResources": true}}"#,
            ))
        };
        assert_eq!(
            honors(vec![Event::Init, Event::InitDone]).await,
            (false, false)
        );
        assert_eq!(honors(vec![Event::Apply(on())]).await, (true, false));
        assert_eq!(
            honors(vec![Event::Apply(map(Some("{")))]).await,
            (true, true)
        );
        assert_eq!(
            honors(vec![Event::Init, Event::InitApply(on()), Event::InitDone]).await,
            (true, false)
        );
        assert_eq!(honors(vec![Event::Delete(on())]).await, (false, false));
        assert_eq!(honors(vec![Event::Apply(on())]).await, (true, false));
        assert_eq!(honors(vec![Event::Apply(map(None))]).await, (false, false));
        honors(vec![Event::Apply(on())]).await;
        assert_eq!(
            honors(vec![Event::Init, Event::InitDone]).await,
            (false, false),
            "deleted while nobody watched"
        );
    }

    #[tokio::test]
    async fn until_it_is_read_the_policy_is_not_known() {
        let name: ConfigMapName = "kube-system/nri-control-switches".parse().unwrap();
        let configured = Configured::default();
        assert_eq!(configured.awaited(), None);
        configured.await_switches();
        let is_valid = || {
            let faults = configured.standing().faults;
            faults.iter().all(|(_, fault)| fault.is_none())
        };
        let take = async |event: watcher::Result<Event<ConfigMap>>| {
            feed(stream::iter([event]), &name, &configured).await;
            (configured.awaited().is_none(), is_valid())
        };
        assert!(!is_valid());
        let refused = || {
            let status =
                kube::core::Status::failure("no right to list", "Forbidden").with_code(403);
            Err(watcher::Error::InitialListFailed(kube::Error::Api(
                status.boxed(),
            )))
        };
        assert_eq!(take(refused()).await, (false, false));
        let obstacle = configured.awaited().unwrap();
        assert!(obstacle.contains("no right to list"), "{obstacle}");
        let bad = take(Ok(Event::Apply(map(Some("{"))))).await;
        assert_eq!(bad, (false, false), "there is no last good one");
        assert!(
            configured
                .awaited()
                .unwrap()
                .contains("nri-control-switches")
        );
        configured.replace(admission::Policy::default());
        assert!(
            configured.awaited().is_some(),
            "the rest of the policy is not it"
        );
        feed(stream::iter([Ok(Event::Init)]), &name, &configured).await;
        assert_eq!(take(Ok(Event::InitDone)).await, (true, true));
        assert_eq!(
            take(refused()).await,
            (true, true),
            "the last good one stays"
        );
    }

    #[test]
    fn names() {
        let name: ConfigMapName = "a/b.c".parse().unwrap();
        assert_eq!(name.to_string(), "a/b.c");
        for bad in ["", "a", "/a", "a/", "a/b/c", "A/b"] {
            assert!(bad.parse::<ConfigMapName>().is_err(), "{bad}");
        }
    }
}
