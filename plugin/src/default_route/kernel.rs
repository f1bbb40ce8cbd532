//! Default routes in a pod's network namespace: the kernel is asked and told.

use std::{collections::BTreeSet, net::IpAddr};

use rustix::io::Errno;
use spec::cni::InterfaceName;

use super::{
    decision::RouteChange,
    error::{Refusal, RouteError},
    netlink::Netlink,
    routes::{Hop, default_route, hops, print, without},
};
use crate::netns::within;

/// Carries a change out in the network namespace at the path `netns`: takes the default routes of the families that lose
/// them from `interfaces` and `main`, and adds the new ones on `main`. Another default route of the same metric gives way.
///
/// `interfaces` are those that the attachment's result has in the sandbox, `main` is the one of its name. One that is not
/// there has no routes to lose. A change of nothing asks nobody. Carried out twice, it is as if carried out once.
///
/// # Errors
/// The namespace cannot be entered, the kernel refuses, or there is no `main` to add a route on. What was removed until
/// then stays removed; the attachment is to be undone.
pub fn apply(
    netns: &str,
    interfaces: &[String],
    main: &InterfaceName,
    change: &RouteChange,
) -> Result<(), RouteError> {
    in_namespace(netns, change, || {
        let mut netlink = Netlink::open()?;
        let indices = indices(&netlink, interfaces, main)?;
        for family in change.remove.iter() {
            for route in netlink.default_routes(family)? {
                for step in without(&route, &indices) {
                    netlink
                        .carry_out(step)
                        .map_err(|problem| RouteError::Remove {
                            family,
                            route: print(&route, |index| netlink.name(index)),
                            problem,
                        })?;
                }
            }
        }
        for gateway in &change.add {
            let index = main_index(&netlink, main, *gateway)?;
            add(&mut netlink, index, *gateway).map_err(|problem| RouteError::Add {
                interface: main.to_string(),
                gateway: *gateway,
                problem,
            })?;
        }
        Ok(())
    })
}

fn add(netlink: &mut Netlink, index: u32, gateway: IpAddr) -> Result<(), Refusal> {
    if gateway.is_unspecified() {
        // The kernel would make a route by no gateway at all of it.
        return Err(Refusal {
            error: Errno::INVAL.into(),
            words: Some("it is no gateway's address".to_owned()),
        });
    }
    netlink.replace(default_route(gateway, index))
}

/// Checks that the default routes are those that [`apply`] made, for CHECK.
///
/// # Errors
/// One is there that was removed, one is gone that was added, or the kernel cannot be asked.
pub fn check(
    netns: &str,
    interfaces: &[String],
    main: &InterfaceName,
    change: &RouteChange,
) -> Result<(), RouteError> {
    in_namespace(netns, change, || {
        let mut netlink = Netlink::open()?;
        let indices = indices(&netlink, interfaces, main)?;
        for family in change.remove.iter() {
            let routes = netlink.default_routes(family)?;
            let gateway = change.gateway(family);
            let wanted = match gateway {
                Some(gateway) => Some(Hop {
                    index: main_index(&netlink, main, gateway)?,
                    gateway: Some(gateway),
                }),
                None => None,
            };
            let mut is_there = false;
            for route in routes {
                let hops = hops(&route);
                if wanted.is_some_and(|wanted| hops == [wanted]) {
                    is_there = true;
                } else if hops.iter().any(|hop| indices.contains(&hop.index)) {
                    return Err(RouteError::StillThere {
                        route: print(&route, |index| netlink.name(index)),
                    });
                }
            }
            if let Some(gateway) = gateway.filter(|_| !is_there) {
                return Err(RouteError::Gone {
                    interface: main.to_string(),
                    gateway,
                });
            }
        }
        Ok(())
    })
}

fn in_namespace(
    netns: &str,
    change: &RouteChange,
    work: impl FnOnce() -> Result<(), RouteError> + Send,
) -> Result<(), RouteError> {
    if change.is_nothing() {
        return Ok(());
    }
    within(netns, work).map_err(|problem| RouteError::Netns {
        path: netns.to_owned(),
        problem,
    })?
}

fn indices(
    netlink: &Netlink,
    interfaces: &[String],
    main: &InterfaceName,
) -> Result<BTreeSet<u32>, RouteError> {
    let mut indices = BTreeSet::new();
    for interface in interfaces.iter().map(String::as_str).chain([main.as_str()]) {
        indices.extend(netlink.index(interface)?);
    }
    Ok(indices)
}

fn main_index(netlink: &Netlink, main: &InterfaceName, gateway: IpAddr) -> Result<u32, RouteError> {
    netlink
        .index(main.as_str())?
        .ok_or_else(|| RouteError::NoInterface {
            interface: main.to_string(),
            gateway,
        })
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
