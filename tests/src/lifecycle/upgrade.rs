//! Agent and plugin are replaced by those of another release, and killed, while pods start and end: no pod notices.

use std::{fs, path::PathBuf, time::Duration};

use super::{
    agent::{self, PATIENT},
    contains, until,
};
use crate::{
    fixture::{
        crowd::Crowd, daemon::Daemon, kubelet::Kubelet, leftovers, needs::BRIDGE, node::Node,
    },
    install::{Folders, bridge},
    scenario::Scenario,
};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "lifecycle::upgrade::the_old_agent_stops_first",
            needs: BRIDGE,
            body: || upgrade(Order::OldStopsFirst),
        },
        Scenario {
            name: "lifecycle::upgrade::the_new_agent_starts_first",
            needs: BRIDGE,
            body: || upgrade(Order::NewStartsFirst),
        },
        Scenario {
            name: "lifecycle::upgrade::the_old_agent_is_killed",
            needs: BRIDGE,
            body: || upgrade(Order::Killed),
        },
    ]
}

#[derive(Clone, Copy)]
enum Order {
    OldStopsFirst,
    NewStartsFirst,
    Killed,
}

fn ends_well(agent: &mut Option<Daemon>) -> bool {
    agent.take().is_some_and(Daemon::stop)
}

/// Pods at once.
const WORKERS: usize = 3;

fn upgrade(order: Order) {
    Node::run(move |node| {
        let folders = Folders::new(&node.path(""));
        folders.put("10-bridge.conflist", &bridge(node));
        let kubelet = Kubelet::start(&node.path("kubelet.sock"), true);
        let crowd = Crowd::new(node, &folders, &kubelet, WORKERS);
        let releases = agent::releases(node);
        let installed = folders.path("cni-bin/polypod");
        let mut old = Some(agent::ready(node, &folders, &releases[0], &PATIENT));
        let again = crowd.run(WORKERS, |crowd| {
            for round in 1..=4 {
                crowd.wait_for(WORKERS);
                let release = &releases[round % 2];
                let new = match order {
                    Order::OldStopsFirst => {
                        assert!(ends_well(&mut old));
                        // Its image is loaded, or its pod is placed.
                        std::thread::sleep(Duration::from_millis(300));
                        agent::start(node, &folders, release, &PATIENT)
                    }
                    Order::NewStartsFirst => {
                        let before = fs::read(&installed).expect("the plugin is installed");
                        let new = agent::start(node, &folders, release, &PATIENT);
                        crowd.wait_for(WORKERS);
                        assert!(
                            contains(&installed, &before),
                            "it touches nothing before the old one has ended"
                        );
                        assert!(ends_well(&mut old));
                        new
                    }
                    Order::Killed => {
                        drop(old.take());
                        agent::start(node, &folders, release, &PATIENT)
                    }
                };
                new.ready("serving unix://");
                let image = fs::read(release).expect("it was written");
                until("the new plugin", || contains(&installed, &image));
                old = Some(new);
            }
            crowd.wait_for(WORKERS);
        });
        assert_eq!(again, [""; 0], "a pod was failed needlessly");
        assert_eq!(leftovers::leases(node), [""; 0].map(PathBuf::from));
        assert_eq!(leftovers::veths(node), [""; 0]);
        assert_eq!(node.files("state"), [].into());
        assert!(ends_well(&mut old));
        assert_eq!(folders.taken().0, "00-polypod.conflist");
    });
}
