//! How the devices that are missing are spread over the containers that should have them.

use std::collections::BTreeMap;

use spec::network::NetworkRef;

use crate::{ContainerRef, Need, holding::Holding};

/// What each container gets, together exactly what is missing of `need`. `holdings` is what every container has of the
/// resource, `of` the container of a network.
///
/// Who has fewer devices than networks gets them first. Something may be left, because devices that are reserved may be
/// the very ones that a container has: that goes to whoever has networks, in their order.
pub(crate) fn spread<'a>(
    need: &Need,
    holdings: &[Holding],
    of: impl Fn(&NetworkRef) -> &'a ContainerRef,
) -> BTreeMap<&'a ContainerRef, u64> {
    let mut shares: Vec<Share<'a>> = Vec::new();
    for network in &need.networks {
        let container = of(network);
        match shares.iter_mut().find(|share| share.container == container) {
            Some(share) => share.networks += 1,
            None => shares.push(Share {
                container,
                networks: 1,
                given: 0,
            }),
        }
    }
    let mut left = need.deficit();
    for share in &mut shares {
        let held = holdings
            .iter()
            .find(|holding| holding.container == *share.container)
            .map_or(0, Holding::devices);
        share.give(share.networks.saturating_sub(held), &mut left);
    }
    for share in &mut shares {
        share.give(share.networks - share.given, &mut left);
    }
    if let Some(first) = shares.first_mut() {
        first.given += left;
    }
    shares
        .into_iter()
        .map(|share| (share.container, share.given))
        .collect()
}

struct Share<'a> {
    container: &'a ContainerRef,
    networks: u64,
    given: u64,
}

impl Share<'_> {
    fn give(&mut self, at_most: u64, left: &mut u64) {
        let given = at_most.min(*left);
        self.given += given;
        *left -= given;
    }
}
