//! Sees of a cluster what checks go by: all at once, each for itself, in bounded time.

use std::{cell::Cell, time::SystemTime};

use futures::future::join;
use serde_json::{Value, json};

use super::{
    agent::Agent,
    clock::Reading,
    extender,
    judgement::{Found, Observed},
    kinds::{BINDINGS, CONFIG_MAPS, DEFINITIONS, ENDPOINT_SLICES, MUTATING, SECRETS, VALIDATING},
    kinds_served::{self, CUSTOM, Custom},
    leftovers,
    progress::Progress,
    raw, trial,
    webhook::Trial,
};
use crate::cluster::{
    Cluster, Listed, Scope, Selection, Unseen,
    kinds::{DAEMON_SETS, DEPLOYMENTS, NODE_INVENTORIES, NODES, PODS},
};

/// The Deployment, the Service and, as it is delivered, the Secret.
pub(super) const WEBHOOK: &str = "polypod-webhook";

/// The DaemonSet.
pub(super) const AGENTS: &str = "polypod-device-bridge";

/// Sees all of it.
pub(super) async fn observed(cluster: &Cluster, installed_in: &str) -> Observed {
    let progress = Progress::default();
    progress.shown(seen(cluster, installed_in, &progress)).await
}

async fn seen(cluster: &Cluster, installed_in: &str, progress: &Progress) -> Observed {
    let here = Scope::Namespace(installed_in);
    let all = Selection::default();
    let of_service = format!("kubernetes.io/service-name={WEBHOOK}");
    let of_service = Selection {
        labels: Some(&of_service),
        ..all
    };
    let deployment_and_secret = async {
        let deployment = cluster.get(&DEPLOYMENTS, here, WEBHOOK);
        let deployment = progress.awaiting("the webhook", deployment).await;
        let name = secret_name(&deployment);
        let secret = cluster.get(&SECRETS, here, &name);
        let secret = progress.awaiting("its certificate", secret).await;
        (deployment, (name, secret))
    };
    let nodes = cluster.list_each(&NODES, Scope::Cluster, all, |node| {
        progress.came("nodes");
        looked_at(&node)
    });
    // All pages are of one moment, which is before the first of them came.
    let came = Cell::new(None);
    let agents = cluster.list_each(&NODE_INVENTORIES, Scope::Cluster, all, |inventory| {
        came.set(came.get().or_else(|| Some(SystemTime::now())));
        progress.came("inventories");
        Agent::of(&inventory)
    });
    let pending = Selection::by_fields("status.phase=Pending");
    let gated = cluster.list_each(&PODS, Scope::Cluster, pending, |pod| {
        progress.came("pods");
        leftovers::at_the_gate(&pod)
    });
    let workloads = |kind| cluster.list_each(kind, Scope::Cluster, all, without_pod_details);
    let (
        (deployment, secret),
        (mutating, validating),
        slices,
        (nodes, agents),
        (daemon_set, (daemon_sets, deployments)),
        (((clock, server), trial), (kinds, extender)),
        ((bindings, config_maps), gated),
    ) = futures::join!(
        deployment_and_secret,
        join(
            progress.awaiting(
                "mutating webhooks",
                cluster.list(&MUTATING, Scope::Cluster, all)
            ),
            progress.awaiting(
                "validating webhooks",
                cluster.list(&VALIDATING, Scope::Cluster, all)
            ),
        ),
        progress.awaiting(
            "endpoints",
            cluster.list(&ENDPOINT_SLICES, here, of_service)
        ),
        join(
            progress.awaiting("nodes", nodes),
            progress.awaiting("inventories", agents),
        ),
        join(
            progress.awaiting(
                "the agents' DaemonSet",
                cluster.get(&DAEMON_SETS, here, AGENTS)
            ),
            join(
                progress.awaiting("DaemonSets", workloads(&DAEMON_SETS)),
                progress.awaiting("Deployments", workloads(&DEPLOYMENTS)),
            ),
        ),
        join(
            progress.awaiting("a pod that is tried out", tried(cluster)),
            join(
                progress.awaiting("kinds", kinds(cluster)),
                progress.awaiting("the extender", asked(cluster, installed_in)),
            ),
        ),
        join(
            join(
                progress.awaiting(
                    "bindings",
                    cluster.list_each(&BINDINGS, Scope::Cluster, all, whom_it_binds)
                ),
                progress.awaiting("ConfigMaps", config_maps(cluster)),
            ),
            progress.awaiting("pods", gated),
        ),
    );
    Observed {
        server,
        clock,
        here: came.get().unwrap_or_else(SystemTime::now),
        mutating,
        validating,
        trial,
        slices,
        deployment,
        secret,
        kinds,
        nodes,
        // Those that have a name. A kind that is not served has no objects, and the check crds says so.
        agents: agents.kept(),
        daemon_set,
        daemon_sets,
        deployments,
        bindings,
        config_maps,
        gated: gated.kept(),
        extender,
    }
}

/// Those of Multus, one by one: of all others nobody has to know.
async fn config_maps(cluster: &Cluster) -> Listed {
    let get = |name| cluster.get(&CONFIG_MAPS, Scope::Namespace(leftovers::NAMESPACE), name);
    let [first, second] = leftovers::CONFIG_MAPS;
    let (first, second) = join(get(first), get(second)).await;
    let (mut items, mut unseen) = (Vec::new(), None);
    for found in [first, second] {
        match found {
            Ok(found) => items.extend(found),
            Err(obstacle) => unseen = Some(obstacle),
        }
    }
    Listed { items, unseen }
}

/// Of a binding what checks look at.
pub(super) fn whom_it_binds(binding: Value) -> Value {
    json!({
        "metadata": {"name": binding["metadata"]["name"]},
        "roleRef": {"name": binding["roleRef"]["name"]},
        "subjects": binding["subjects"],
    })
}

/// Which Secret the webhook's certificate is in: that of `--cert-secret`, or the one that is mounted.
pub(super) fn secret_name(deployment: &Found) -> String {
    let spec = deployment.as_ref().ok().and_then(Option::as_ref);
    let spec = spec.and_then(|found| found.pointer("/spec/template/spec"));
    let Some(spec) = spec else {
        return WEBHOOK.to_owned();
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let arguments = list(&spec["containers"])
        .into_iter()
        .flat_map(|container| list(&container["args"]));
    let by_flag = arguments
        .filter_map(|argument| {
            Some(
                argument
                    .as_str()?
                    .strip_prefix("--cert-secret=")?
                    .to_owned(),
            )
        })
        .next();
    let mounted = list(&spec["volumes"]).into_iter();
    let mounted =
        mounted.filter_map(|volume| Some(volume["secret"]["secretName"].as_str()?.to_owned()));
    let mut names = by_flag.into_iter().chain(mounted);
    names.next().unwrap_or_else(|| WEBHOOK.to_owned())
}

/// Of a Node what checks look at.
pub(super) fn looked_at(node: &Value) -> Value {
    json!({
        "metadata": {"name": node["metadata"]["name"], "labels": node["metadata"]["labels"]},
        "status": {"conditions": node["status"]["conditions"]},
    })
}

/// Of a workload what checks look at.
pub(super) fn without_pod_details(workload: Value) -> Value {
    let containers = workload
        .pointer("/spec/template/spec/containers")
        .and_then(Value::as_array);
    let images = containers
        .into_iter()
        .flatten()
        .map(|container| json!({"image": container["image"]}));
    let metadata = &workload["metadata"];
    json!({
        "kind": workload["kind"],
        "metadata": {"namespace": metadata["namespace"], "name": metadata["name"]},
        "spec": {"template": {"spec": {"containers": images.collect::<Vec<_>>()}}},
        "status": {"desiredNumberScheduled": workload["status"]["desiredNumberScheduled"]},
    })
}

/// The pod that is not made, and the clock of whoever has not made it.
async fn tried(cluster: &Cluster) -> ((Result<Reading, String>, String), Result<Trial, Unseen>) {
    let (client, limit) = (cluster.client(), cluster.request_timeout);
    let namespace = &cluster.namespace;
    // Apart, because admission takes time, by which the clock would be out.
    let reading = raw::ask(client, limit, "GET", "/version", None).await;
    let version = reading
        .as_ref()
        .map(raw::Answer::object)
        .unwrap_or_default();
    let version = version["gitVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let reading = match reading {
        Ok(answer) => answer
            .clock
            .ok_or_else(|| "its answers have no Date".to_owned()),
        Err(unseen) => Err(unseen.why),
    };
    // A webhook may take 30 seconds before the API server gives it up.
    let path = trial::path(namespace);
    let trial = raw::ask(client, limit * 3, "POST", &path, Some(&trial::pod())).await;
    let trial = trial.map(|answer| Trial {
        namespace: namespace.clone(),
        code: answer.code,
        message: if answer.code < 300 {
            String::new()
        } else {
            answer.message()
        },
        warnings: answer.warnings,
    });
    ((reading, version), trial)
}

async fn kinds(cluster: &Cluster) -> [kinds_served::Seen; 3] {
    let [networks, inventories, topologies] = &CUSTOM;
    let (networks, inventories, topologies) = futures::join!(
        kind(cluster, networks),
        kind(cluster, inventories),
        kind(cluster, topologies)
    );
    [networks, inventories, topologies]
}

/// What the API server serves, everybody with a name may ask; what it was told to serve, only some.
async fn kind(cluster: &Cluster, custom: &Custom) -> kinds_served::Seen {
    let path = format!("/apis/{}/{}", custom.group, custom.version);
    let resources = raw::ask(
        cluster.client(),
        cluster.request_timeout,
        "GET",
        &path,
        None,
    )
    .await;
    let resources = resources.and_then(|answer| match answer.code {
        200 => Ok(Some(answer.object())),
        404 => Ok(None),
        code => Err(Unseen {
            what: path.clone(),
            cause: crate::cluster::Cause::Failed,
            why: format!("the API server answered {code}: {}", answer.message()),
            what_to_do: "have the right to get it granted (the ClusterRole system:discovery)"
                .to_owned(),
        }),
    });
    let name = custom.definition();
    let definition = cluster.get(&DEFINITIONS, Scope::Cluster, &name).await;
    kinds_served::Seen {
        resources,
        definition,
    }
}

/// Asks the extender of a pod that is not there: that it does not know it is an answer.
async fn asked(cluster: &Cluster, installed_in: &str) -> Result<extender::Answer, Unseen> {
    let path = format!(
        "/api/v1/namespaces/{installed_in}/services/https:{WEBHOOK}:443/proxy/scheduler/explain?namespace={installed_in}&pod=polypod-doctor"
    );
    let answer = raw::ask(
        cluster.client(),
        cluster.request_timeout,
        "GET",
        &path,
        None,
    )
    .await?;
    Ok(extender::Answer {
        code: answer.code,
        text: answer.text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_the_one_that_the_deployment_names() {
        let named =
            |spec: Value| secret_name(&Ok(Some(json!({"spec": {"template": {"spec": spec}}}))));
        assert_eq!(
            named(json!({"containers": [{"args": ["--tls-name=x", "--cert-secret=ours"]}]})),
            "ours"
        );
        let mounted = json!({"containers": [{"args": ["--cert-dir=/x"]}], "volumes": [
            {"name": "a", "configMap": {"name": "b"}}, {"name": "certificate", "secret": {"secretName": "theirs"}}]});
        assert_eq!(named(mounted), "theirs");
        assert_eq!(named(json!({"containers": 5})), WEBHOOK);
        assert_eq!(secret_name(&Ok(None)), WEBHOOK);
    }

    #[test]
    fn only_what_is_judged_is_kept_of_large_objects() {
        let node = looked_at(
            &json!({"metadata": {"name": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}},
            "status": {"conditions": [], "images": [1, 2]}}),
        );
        assert_eq!(
            node,
            json!({"metadata": {"name": "n", "labels": {"a": "b"}}, "status": {"conditions": []}})
        );
        let kept = without_pod_details(
            json!({"kind": "DaemonSet", "metadata": {"namespace": "a", "name": "b", "uid": "c"},
            "spec": {"template": {"spec": {"containers": [{"image": "i", "name": "n"}]}}}}),
        );
        assert_eq!(
            kept["spec"]["template"]["spec"]["containers"],
            json!([{"image": "i"}])
        );
    }
}
