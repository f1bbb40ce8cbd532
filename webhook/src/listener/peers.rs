//! How many connections each address has.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The addresses that have connections.
#[derive(Debug)]
pub(super) struct Peers {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection of an address, until it is dropped.
#[derive(Debug)]
pub(super) struct PlaceOfPeer {
    peers: Arc<Peers>,
    peer: IpAddr,
}

impl Peers {
    /// Addresses with so many connections each at most; 0 is any number.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: if most == 0 { usize::MAX } else { most },
            open: Mutex::default(),
        }
    }

    /// A place for one more connection of `peer`, where it may have one.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<PlaceOfPeer> {
        // A port for both families sees IPv4 as IPv6.
        let peer = peer.to_canonical();
        let mut open = self.open();
        let count = open.entry(peer).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        let peers = Arc::clone(self);
        Some(PlaceOfPeer { peers, peer })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Poisoned or not, the lock holds whole numbers.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PlaceOfPeer {
    fn drop(&mut self) {
        let mut open = self.peers.open();
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let peers = Arc::new(Peers::new(2));
        let one = peers.admit(address("10.0.0.1")).unwrap();
        let mapped = peers.admit(address("::ffff:10.0.0.1")).unwrap();
        assert!(peers.admit(address("10.0.0.1")).is_none());
        let other = peers.admit(address("fd00::1")).unwrap();
        drop(one);
        let again = peers.admit(address("10.0.0.1")).unwrap();
        drop((mapped, other, again));
        assert!(peers.open().is_empty(), "addresses that left are forgotten");
    }

    #[test]
    fn zero_is_any_number() {
        let peers = Arc::new(Peers::new(0));
        let peer = IpAddr::from([10, 0, 0, 1]);
        let places: Vec<_> = (0..5000).map(|_| peers.admit(peer)).collect();
        assert!(places.iter().all(Option::is_some));
    }
}
