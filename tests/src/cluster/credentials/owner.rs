//! OpenShift's admission: only who may delete an object changes its owners.

use serde_json::{Value, json};

use super::{Cluster, inventory, report, topology, until};
use crate::manifests::objects::{manifests, read};

/// Makes the report of a node by its name.
type Report = fn(&str) -> Value;

const ENFORCED: &str = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement";

/// A Node that was made anew becomes the owner of what is published of it, by the rights of the component and no others.
pub(super) fn a_report_gets_another_owner_on_openshift() {
    let cluster = Cluster::start_with(&[ENFORCED]);
    let agent = cluster.agent_token();
    let reports = [
        ("nodeinventories", inventory as Report),
        ("noderesourcetopologies", topology),
    ];
    let publish = |plural: &str, mut object: Value, uid: &str| {
        object["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "v1", "kind": "Node", "name": "node-1", "uid": uid}]);
        let path = report(plural, "node-1");
        let (status, said, _) = cluster.ask(&agent, "PATCH", &path, &object);
        (status, said)
    };
    for (plural, object) in reports {
        assert_eq!(publish(plural, object("node-1"), "u1").0, 201, "{plural}");
        let (status, said) = publish(plural, object("node-1"), "u2");
        assert!(
            status == 403 && said.contains("cannot set an ownerRef"),
            "{plural}: {status} {said}"
        );
    }
    for object in read(&manifests("components/openshift/report-owner.yaml")) {
        cluster.installed.apply(&object);
    }
    for (plural, object) in reports {
        until(plural, || {
            (publish(plural, object("node-1"), "u2").0 == 200).then_some(())
        });
        // The policy holds the new right to its own node.
        let other = report(plural, "node-2");
        let created = cluster.installed.plane.ask(
            "POST",
            other.split("/node-2").next().unwrap_or_default(),
            &object("node-2"),
        );
        assert_eq!(created.status, 201, "{}", created.body);
        let (status, said, _) = cluster.ask(&agent, "DELETE", &other, &Value::Null);
        assert!(
            status == 403 && said.contains("the report of node 'node-2'"),
            "{plural}: {status} {said}"
        );
    }
}
