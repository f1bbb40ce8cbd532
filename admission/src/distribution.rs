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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ContainerKind, fixture::reference};

    const CONTAINERS: usize = 3;

    fn container(index: usize) -> ContainerRef {
        ContainerRef {
            kind: ContainerKind::App,
            index,
            name: format!("c{index}"),
        }
    }

    proptest! {
        #[test]
        fn exactly_the_deficit_is_spread_and_nobody_gets_what_it_has(
            targets in prop::collection::vec(0..CONTAINERS, 1..8),
            held in prop::collection::vec(0_u64..4, CONTAINERS),
            reserved in prop_oneof![Just(0_u64), 0_u64..4],
        ) {
            let containers: Vec<ContainerRef> = (0..CONTAINERS).map(container).collect();
            let need = Need {
                resource: "example.com/foo".parse().unwrap(),
                wanted: targets.len() as u64,
                reserved,
                held: held.iter().sum(),
                claimed: 0,
                networks: (0..targets.len()).map(|at| reference(&format!("default/n{at}"))).collect(),
            };
            let holdings: Vec<Holding> = held
                .iter()
                .enumerate()
                .map(|(index, held)| Holding { container: container(index), request: Some(*held), limit: Some(*held) })
                .collect();
            let of = |network: &NetworkRef| {
                let at: usize = network.name.as_str()[1..].parse().unwrap();
                &containers[targets[at]]
            };
            let given = spread(&need, &holdings, of);
            prop_assert_eq!(given.values().sum::<u64>(), need.deficit());
            for (container, given) in given {
                let networks = targets.iter().filter(|target| **target == container.index).count() as u64;
                prop_assert!(networks > 0, "{} has no network", container);
                if reserved == 0 {
                    prop_assert!(given <= networks.saturating_sub(held[container.index]), "{}", container);
                }
            }
        }
    }
}
