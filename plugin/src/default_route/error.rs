//! Why the default routes of an attachment are not what they should be.

use std::{fmt, io, net::IpAddr};

use rustix::io::Errno;

use super::family::Family;

/// What the kernel says to a request that it does not carry out.
#[derive(Debug)]
pub struct Refusal {
    /// Its error number.
    pub error: io::Error,
    /// Its own words, where it has any.
    pub words: Option<String>,
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self { error, words: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.words {
            Some(words) => write!(f, "{words} ({})", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// Why the default routes of an attachment are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// The network namespace cannot be entered.
    #[error(
        "its network namespace {path:?} cannot be entered: {problem}; does the sandbox still exist?"
    )]
    Netns {
        /// Its path.
        path: String,
        /// What the system says.
        #[source]
        problem: io::Error,
    },
    /// The kernel cannot be asked about routes at all.
    #[error(
        "{attempted} failed: {problem}; the plugin needs the capability CAP_NET_ADMIN and a kernel with netlink"
    )]
    Netlink {
        /// What was attempted.
        attempted: &'static str,
        /// What the kernel says.
        #[source]
        problem: Refusal,
    },
    /// There is no interface for a default route to go by.
    #[error(
        "\"default-route\" asks for the gateway {gateway}, but there is no interface {interface:?} in the pod; remove \"default-route\", or have the network's plugin make that interface"
    )]
    NoInterface {
        /// The interface of the attachment.
        interface: String,
        /// The gateway.
        gateway: IpAddr,
    },
    /// The kernel keeps a default route.
    #[error(
        "error deleting default gateway: the {family} default route ({route}) cannot be removed: {problem}"
    )]
    Remove {
        /// Its family.
        family: Family,
        /// The route, as `ip route` prints it.
        route: String,
        /// What the kernel says.
        #[source]
        problem: Refusal,
    },
    /// The kernel does not take a default route.
    #[error(
        "error setting default gateway: the default route by gateway {gateway} on interface {interface:?} cannot be made: {problem}; {}",
        advice(.problem)
    )]
    Add {
        /// The interface of the attachment.
        interface: String,
        /// The gateway.
        gateway: IpAddr,
        /// What the kernel says.
        #[source]
        problem: Refusal,
    },
    /// A default route is there that should be gone.
    #[error(
        "there is a default route that \"default-route\" has taken away ({route}); something has made it since, a router advertisement perhaps; remove it or recreate the pod"
    )]
    StillThere {
        /// The route, as `ip route` prints it.
        route: String,
    },
    /// A default route is gone that should be there.
    #[error(
        "the default route by gateway {gateway} on interface {interface:?}, which \"default-route\" asks for, is gone; something has removed it since; recreate the pod"
    )]
    Gone {
        /// The interface of the attachment.
        interface: String,
        /// The gateway.
        gateway: IpAddr,
    },
}

/// What to do about a default route that the kernel does not take.
fn advice(problem: &Refusal) -> &'static str {
    let unreachable = "a gateway must be another host in a subnet of the interface's addresses, and the interface must be up; correct \"default-route\" or the network";
    match problem.error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::INVAL) => unreachable,
        Some(Errno::NETDOWN) => "the network's plugin must set the interface up",
        Some(Errno::PERM) => "the plugin needs the capability CAP_NET_ADMIN",
        Some(Errno::ACCESS | Errno::AFNOSUPPORT | Errno::OPNOTSUPP) => {
            "check that the gateway's family of addresses is enabled in the pod"
        }
        _ => "correct \"default-route\" or the network",
    }
}
