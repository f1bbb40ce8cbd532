//! Which default routes each attachment of a pod loses and gets: a function of what all of them say.

use std::net::IpAddr;

use spec::cni::InterfaceName;

use super::family::{Families, Family};

/// What happens to the default routes of one attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteChange {
    /// The families whose default routes its interfaces lose.
    pub remove: Families,
    /// The gateways of the default routes it gets in their place, one a family at most.
    pub add: Vec<IpAddr>,
}

impl RouteChange {
    /// Whether nothing happens.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }

    /// The gateway of a family's new default route.
    #[must_use]
    pub fn gateway(&self, family: Family) -> Option<IpAddr> {
        self.add
            .iter()
            .copied()
            .find(|gateway| Family::of(*gateway) == family)
    }
}

/// Two gateways for the default route of one family.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "field \"default-route\": the pod would have two {family} default routes, one by gateway {} on interface {:?} and one by gateway {} on interface {:?}, and Polypod does not support ECMP for default-route; keep one of the two gateways in the pod's annotations",
    .first.1, .first.0, .second.1, .second.0
)]
pub struct Conflict {
    /// The family of both.
    pub family: Family,
    /// The interface and the gateway that come first.
    pub first: (InterfaceName, IpAddr),
    /// The interface and the gateway that come later.
    pub second: (InterfaceName, IpAddr),
}

/// Decides what happens to the default routes of each attachment, in the order of `attachments`: each with its interface
/// and with what its `default-route` says, if it is there.
///
/// A family with a gateway is taken from every other attachment, and is replaced where the gateway is named. An empty
/// list takes both families from its own attachment and nothing from others.
///
/// # Errors
/// There are two gateways of one family.
pub fn changes(
    attachments: &[(&InterfaceName, Option<&[IpAddr]>)],
) -> Result<Vec<RouteChange>, Conflict> {
    let replaced = Families {
        v4: has_gateway(attachments, Family::V4)?,
        v6: has_gateway(attachments, Family::V6)?,
    };
    let change = |&(_, gateways): &(&InterfaceName, Option<&[IpAddr]>)| match gateways {
        Some([]) => RouteChange {
            remove: Families { v4: true, v6: true },
            add: Vec::new(),
        },
        Some(gateways) => RouteChange {
            remove: replaced,
            add: gateways.to_vec(),
        },
        None => RouteChange {
            remove: replaced,
            add: Vec::new(),
        },
    };
    Ok(attachments.iter().map(change).collect())
}

fn has_gateway(
    attachments: &[(&InterfaceName, Option<&[IpAddr]>)],
    family: Family,
) -> Result<bool, Conflict> {
    let mut of_family = attachments.iter().flat_map(|(interface, gateways)| {
        let gateways = gateways.iter().copied().flatten();
        gateways
            .filter(move |gateway| Family::of(**gateway) == family)
            .map(move |gateway| ((*interface).clone(), *gateway))
    });
    let Some(first) = of_family.next() else {
        return Ok(false);
    };
    match of_family.next() {
        None => Ok(true),
        Some(second) => Err(Conflict {
            family,
            first,
            second,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What each attachment says and what happens to it, as in `net1: - 4 6 + 10.0.0.1`.
    fn decide(says: &[Option<&[&str]>]) -> String {
        let names: Vec<InterfaceName> = (0..says.len())
            .map(|index| format!("net{index}").parse().unwrap())
            .collect();
        let gateways: Vec<Option<Vec<IpAddr>>> = says
            .iter()
            .map(|says| says.map(|says| says.iter().map(|text| text.parse().unwrap()).collect()))
            .collect();
        let attachments: Vec<_> = names
            .iter()
            .zip(gateways.iter().map(Option::as_deref))
            .collect();
        match changes(&attachments) {
            Err(conflict) => conflict.to_string(),
            Ok(changes) => changes
                .iter()
                .map(|change| {
                    let remove = change.remove.iter().map(|family| match family {
                        Family::V4 => " -4".to_owned(),
                        Family::V6 => " -6".to_owned(),
                    });
                    let add = change.add.iter().map(|gateway| format!(" +{gateway}"));
                    let text: String = remove.chain(add).collect();
                    if text.is_empty() {
                        " =".to_owned()
                    } else {
                        text
                    }
                })
                .collect::<Vec<_>>()
                .join(","),
        }
    }

    #[test]
    fn each_family_is_decided_alone() {
        let v4: Option<&[&str]> = Some(&["10.0.0.1"]);
        let v6: Option<&[&str]> = Some(&["2001:db8::1"]);
        let both: Option<&[&str]> = Some(&["2001:db8::1", "10.0.0.1"]);
        let empty: Option<&[&str]> = Some(&[]);
        for (says, wanted) in [
            (&[][..], ""),
            (&[None, None], " =, ="),
            (&[None, v4], " -4, -4 +10.0.0.1"),
            (&[None, v6], " -6, -6 +2001:db8::1"),
            (
                &[None, both, None],
                " -4 -6, -4 -6 +2001:db8::1 +10.0.0.1, -4 -6",
            ),
            (&[v6, v4], " -4 -6 +2001:db8::1, -4 -6 +10.0.0.1"),
            (&[None, empty], " =, -4 -6"),
            (&[empty, None], " -4 -6, ="),
            (&[None, empty, v4], " -4, -4 -6, -4 +10.0.0.1"),
        ] {
            assert_eq!(decide(says), wanted, "{says:?}");
        }
    }

    #[test]
    fn two_gateways_of_one_family_name_both_interfaces() {
        let message = decide(&[
            None,
            Some(&["10.0.0.1"]),
            Some(&["2001:db8::1", "10.0.1.1"]),
        ]);
        insta::assert_snapshot!(
            message,
            @r#"field "default-route": the pod would have two IPv4 default routes, one by gateway 10.0.0.1 on interface "net1" and one by gateway 10.0.1.1 on interface "net2", and Polypod does not support ECMP for default-route; keep one of the two gateways in the pod's annotations"#
        );
        let same = decide(&[Some(&["10.0.0.1"]), Some(&["10.0.0.1"])]);
        assert!(
            same.contains("\"net0\"") && same.contains("\"net1\""),
            "{same}"
        );
        assert!(decide(&[Some(&["::1", "::2"])]).contains("IPv6"));
    }

    proptest! {
        #[test]
        fn a_family_has_one_owner_or_is_left_alone(
            says in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<bool>(), 0..2)), 0..5)
        ) {
            let name: InterfaceName = "net1".parse().unwrap();
            let of = |v4: bool| -> IpAddr { if v4 { [10, 0, 0, 1].into() } else { [1; 16].into() } };
            let says: Vec<Option<Vec<IpAddr>>> = says.into_iter().map(|says| says.map(|says| says.into_iter().map(of).collect())).collect();
            let attachments: Vec<_> = says.iter().map(|says| (&name, says.as_deref())).collect();
            let Ok(changes) = changes(&attachments) else { return Ok(()) };
            prop_assert_eq!(changes.len(), attachments.len());
            for family in Family::ALL {
                let owners = changes.iter().filter(|change| change.gateway(family).is_some()).count();
                prop_assert!(owners <= 1);
                for (change, (_, says)) in changes.iter().zip(&attachments) {
                    let empty = says.is_some_and(<[IpAddr]>::is_empty);
                    prop_assert_eq!(change.remove.contains(family), owners == 1 || empty);
                }
            }
        }
    }
}
