//! The rights of each ServiceAccount: enough for what its program does, all of them used, and nothing beyond them.
//!
//! The programs run with tokens of their ServiceAccounts through everything that asks the API server for something; its audit
//! log says what they asked for and what came of it.

mod node_agent;
mod refused;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::installed::Installed;
use crate::fixture::{
    audit::{Audit, Request},
    node::Node,
};

/// Who runs here.
const ACCOUNTS: [&str; 3] = ["polypod-webhook", "polypod-device-bridge", "polypod-plugin"];

/// Rights that the audit log does not show, each with the reason for which it is there.
const UNSEEN: [(&str, &str, &str, &str); 2] = [
    (
        "polypod-device-bridge",
        "create",
        "nodeinventories",
        "server-side apply is a patch, and of an object that is not there yet the API server asks for create besides",
    ),
    (
        "polypod-device-bridge",
        "create",
        "noderesourcetopologies",
        "as above",
    ),
];

pub(super) fn rights_are_used_and_enough() {
    Node::run(|node| {
        let audit = Audit::new();
        let flags = audit.flags();
        let installed = Installed::start(&flags.each_ref().map(String::as_str));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(node_agent::works(node, &installed));
        let _webhook = webhook::works(&installed);
        webhook::rotates(&audit);
        for account in ACCOUNTS {
            let requests = audit.requests_of(account);
            nothing_was_refused(account, &requests);
            everything_was_used(account, &rights(&installed, account), &requests);
        }
        refused::beyond_their_rights(&installed);
    });
}

/// A right: verb, group and resource.
type Right = (String, String, String);

/// What the bindings of `install.yaml` give an account, and by which role.
fn rights(installed: &Installed, account: &str) -> BTreeMap<Right, String> {
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    let is_bound = |binding: &&Value| {
        let subjects = binding["subjects"].as_array();
        let is_it = |subject: &Value| {
            subject["kind"] == "ServiceAccount"
                && subject["name"] == account
                && subject["namespace"] == super::installed::SYSTEM
        };
        subjects.is_some_and(|subjects| subjects.iter().any(is_it))
    };
    let mut rights = BTreeMap::new();
    for binding in installed.objects().iter().filter(is_bound) {
        let [kind, name] =
            ["kind", "name"].map(|key| binding["roleRef"][key].as_str().unwrap_or_default());
        let role = installed.object(kind, name);
        for rule in role["rules"].as_array().expect("a role has rules") {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        assert!(
                            ![&group, &resource, &verb].contains(&&"*".to_owned()),
                            "{name}: {rule}"
                        );
                        let right = (verb, group.clone(), resource.clone());
                        rights.insert(right, name.to_owned());
                    }
                }
            }
        }
    }
    assert!(!rights.is_empty(), "{account} has no rights");
    rights
}

fn nothing_was_refused(account: &str, requests: &[Request]) {
    let refused: BTreeSet<&Request> = requests
        .iter()
        .filter(|request| matches!(request.status, 401 | 403))
        .collect();
    assert!(refused.is_empty(), "{account} lacks rights: {refused:#?}");
}

fn everything_was_used(account: &str, rights: &BTreeMap<Right, String>, requests: &[Request]) {
    let is_used = |(verb, group, resource): &Right| {
        requests.iter().any(|request| {
            request.verb == *verb && request.group == *group && request.resource == *resource
        })
    };
    let is_unseen = |(verb, _, resource): &Right| {
        UNSEEN
            .iter()
            .any(|(of, unseen, on, _)| *of == account && unseen == verb && on == resource)
    };
    let unused: Vec<_> = rights
        .iter()
        .filter(|(right, _)| !is_used(right) && !is_unseen(right))
        .collect();
    assert!(
        unused.is_empty(),
        "{account} has rights that nothing needs: {unused:#?}"
    );
}
