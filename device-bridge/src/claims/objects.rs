//! What a pod and a ResourceClaim say of claimed devices. They are read where the kubelet or the slices do not suffice.

use std::collections::BTreeMap;

use k8s_openapi::api::{core::v1::Pod, resource::v1::ResourceClaim};

use crate::{allocation::ClaimedDevice, kubelet::holdings::ClaimedId};

/// What a pod says of its containers and its claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodClaims {
    /// Its UID.
    pub uid: Option<String>,
    /// The node it is on.
    pub node: Option<String>,
    /// The containers that the kubelet tells devices of: sidecars, then app containers, as the spec has them.
    pub containers: Vec<String>,
    /// Its claims, and for each the first container that uses it.
    pub claims: BTreeMap<String, String>,
    /// The claim behind its extended resources.
    pub extended: Option<ExtendedClaim>,
}

/// The claim that the scheduler makes for extended resources which a driver provides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedClaim {
    /// Its name.
    pub claim: String,
    /// Which request of it is for which resource of which container.
    pub mappings: Vec<Mapping>,
}

/// One request of such a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The container.
    pub container: String,
    /// The resource that the container asks for.
    pub resource: String,
    /// The request of the claim.
    pub request: String,
}

impl PodClaims {
    /// Reads what the API server gives.
    #[must_use]
    pub fn of(pod: &Pod) -> Self {
        let (spec, status) = (pod.spec.as_ref(), pod.status.as_ref());
        let sidecars = spec
            .and_then(|spec| spec.init_containers.as_ref())
            .into_iter()
            .flatten()
            .filter(|container| container.restart_policy.as_deref() == Some("Always"));
        let containers = sidecars.chain(spec.into_iter().flat_map(|spec| &spec.containers));
        let containers: Vec<_> = containers.collect();
        let of_status = status.and_then(|status| status.resource_claim_statuses.as_ref());
        let mut claims = BTreeMap::new();
        let of_spec = spec.and_then(|spec| spec.resource_claims.as_ref());
        for entry in of_spec.into_iter().flatten() {
            let made = of_status
                .into_iter()
                .flatten()
                .find(|status| status.name == entry.name)
                .and_then(|status| status.resource_claim_name.clone());
            let Some(claim) = made.or_else(|| entry.resource_claim_name.clone()) else {
                continue;
            };
            let user = containers.iter().find(|container| {
                let resources = container.resources.as_ref();
                let used = resources.and_then(|resources| resources.claims.as_ref());
                used.into_iter()
                    .flatten()
                    .any(|used| used.name == entry.name)
            });
            // Prepared for the pod, and no container may use it: nothing is told of it.
            if let Some(user) = user {
                claims.insert(claim, user.name.clone());
            }
        }
        let extended = status.and_then(|status| status.extended_resource_claim_status.as_ref());
        let extended = extended.map(|status| ExtendedClaim {
            claim: status.resource_claim_name.clone(),
            mappings: status
                .request_mappings
                .iter()
                .map(|mapping| Mapping {
                    container: mapping.container_name.clone(),
                    resource: mapping.resource_name.clone(),
                    request: mapping.request_name.clone(),
                })
                .collect(),
        });
        Self {
            uid: pod.metadata.uid.clone(),
            node: spec.and_then(|spec| spec.node_name.clone()),
            containers: containers.iter().map(|one| one.name.clone()).collect(),
            claims,
            extended,
        }
    }
}

impl PodClaims {
    /// Whether they may be those of the pod with `uid`: another UID belongs to a predecessor or successor of the same name.
    #[must_use]
    pub fn may_be_of(&self, uid: Option<&str>) -> bool {
        match (self.uid.as_deref(), uid) {
            (Some(known), Some(asked)) => known == asked,
            (None, _) | (_, None) => true,
        }
    }
}

/// The devices that a claim allocated, and by which of its requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimResults(pub Vec<(String, ClaimedId)>);

impl ClaimResults {
    /// Reads what the API server gives.
    #[must_use]
    pub fn of(claim: &ResourceClaim) -> Self {
        let allocation = claim
            .status
            .as_ref()
            .and_then(|status| status.allocation.as_ref());
        let devices = allocation.and_then(|allocation| allocation.devices.as_ref());
        let results = devices.and_then(|devices| devices.results.as_ref());
        let results = results.into_iter().flatten().map(|result| {
            let id = ClaimedId {
                driver: result.driver.clone(),
                pool: result.pool.clone(),
                device: result.device.clone(),
            };
            (result.request.clone(), id)
        });
        Self(results.collect())
    }

    /// The devices, as the kubelet would tell them.
    pub fn devices<'a>(
        &'a self,
        claim: &'a str,
        container: impl Fn(&str) -> Option<String> + 'a,
    ) -> impl Iterator<Item = ClaimedDevice> + 'a {
        self.0.iter().filter_map(move |(request, id)| {
            Some(ClaimedDevice {
                container: container(request)?,
                claim: claim.to_owned(),
                id: id.clone(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_of_a_pod() {
        let pod = json!({
            "metadata": {"name": "p"},
            "spec": {
                "nodeName": "n1",
                "initContainers": [{"name": "setup"}, {"name": "side", "restartPolicy": "Always"}],
                "containers": [
                    {"name": "b", "resources": {"claims": [{"name": "nic"}]}},
                    {"name": "a", "resources": {"claims": [{"name": "nic"}, {"name": "own"}]}}],
                "resourceClaims": [
                    {"name": "nic", "resourceClaimTemplateName": "t"}, {"name": "own", "resourceClaimName": "mine"},
                    {"name": "unused", "resourceClaimName": "other"}, {"name": "not-made", "resourceClaimTemplateName": "t"}]},
            "status": {
                "resourceClaimStatuses": [{"name": "nic", "resourceClaimName": "p-nic-x"}, {"name": "not-made"}],
                "extendedResourceClaimStatus": {"resourceClaimName": "p-extended", "requestMappings": [
                    {"containerName": "a", "resourceName": "example.com/vf", "requestName": "r0"}]}},
        });
        let found = PodClaims::of(&serde_json::from_value(pod).unwrap());
        assert_eq!(found.node.as_deref(), Some("n1"));
        assert_eq!(found.containers, ["side", "b", "a"]);
        let claims: Vec<_> = found
            .claims
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(claims, [("mine", "a"), ("p-nic-x", "b")]);
        let extended = found.extended.unwrap();
        assert_eq!(extended.claim, "p-extended");
        assert_eq!(extended.mappings[0].request, "r0");
    }

    #[test]
    fn nothing_is_no_error() {
        let pod = serde_json::from_value(json!({"metadata": {}})).unwrap();
        assert_eq!(PodClaims::of(&pod), PodClaims::default());
        let claim = serde_json::from_value(json!({"metadata": {}, "spec": {}})).unwrap();
        assert_eq!(ClaimResults::of(&claim), ClaimResults::default());
    }
}
