//! What a change makes of an attachment's result: what the runtime is told and the status says is what the pod has.

use spec::cni::{AddResult, Route};

use super::{decision::RouteChange, family::Family};

/// Takes the default routes that the change removes out of a result, and adds those that it makes.
///
/// `gateway` of an address stays: it says where the subnet's gateway is, not that a route goes there.
pub fn correct(result: &mut AddResult, change: &RouteChange) {
    let is_removed =
        |route: &Route| route.is_default() && change.remove.contains(Family::of(route.dst.addr()));
    result.routes.retain(|route| !is_removed(route));
    let added = change.add.iter().copied().map(Route::default_by);
    result.routes.extend(added);
}

#[cfg(test)]
mod tests {
    use spec::{cni::Version, network::statuses};

    use super::*;
    use crate::default_route::Families;

    const DUAL: &str = r#"{"interfaces":[{"name":"net1","sandbox":"/x"}],
        "ips":[{"address":"10.0.0.5/24","gateway":"10.0.0.1","interface":0},{"address":"2001:db8::5/64","gateway":"2001:db8::1","interface":0}],
        "routes":[{"dst":"0.0.0.0/0"},{"dst":"10.9.0.0/16","gw":"10.0.0.3"},{"dst":"::/0","gw":"2001:db8::1"},{"dst":"0.0.0.0/1"},
            {"dst":"0.0.0.0/0","gw":"10.0.0.9","table":100}]}"#;

    /// Destinations and gateways of the corrected routes, and what the status says.
    fn corrected(result: &str, v4: bool, v6: bool, add: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut result = AddResult::parse(result, Version::V1_1_0).unwrap().0;
        let change = RouteChange {
            remove: Families { v4, v6 },
            add: add.iter().map(|text| text.parse().unwrap()).collect(),
        };
        correct(&mut result, &change);
        let routes = result.routes.iter().map(|route| match route.gw {
            Some(gw) => format!("{} {gw}", route.dst),
            None => route.dst.to_string(),
        });
        let routes = routes.collect();
        let status = statuses("n", "net1", false, &result, None).swap_remove(0);
        (routes, status.gateway)
    }

    #[test]
    fn only_default_routes_of_the_main_table_change() {
        let kept = ["10.9.0.0/16 10.0.0.3", "0.0.0.0/1", "0.0.0.0/0 10.0.0.9"];
        let (routes, gateways) = corrected(DUAL, true, true, &[]);
        assert_eq!(routes, kept);
        assert_eq!(gateways, Vec::<String>::new());

        let (routes, gateways) = corrected(DUAL, true, false, &["10.0.0.7"]);
        assert_eq!(
            routes,
            [
                "10.9.0.0/16 10.0.0.3",
                "::/0 2001:db8::1",
                "0.0.0.0/1",
                "0.0.0.0/0 10.0.0.9",
                "0.0.0.0/0 10.0.0.7"
            ]
        );
        assert_eq!(gateways, ["2001:db8::1", "10.0.0.7"]);

        let (_, gateways) = corrected(DUAL, false, true, &["2001:db8::7"]);
        assert_eq!(gateways, ["10.0.0.1", "2001:db8::7"]);

        let (_, gateways) = corrected(DUAL, false, false, &[]);
        assert_eq!(
            gateways,
            ["10.0.0.1", "2001:db8::1"],
            "nothing said, nothing done"
        );
    }

    #[test]
    fn a_result_that_says_little_still_gets_the_route() {
        for little in [
            "{}",
            r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24","gateway":"10.0.0.1"}}"#,
        ] {
            let (_, gateways) = corrected(little, true, false, &["10.0.0.7"]);
            assert_eq!(gateways, ["10.0.0.7"], "{little}");
        }
        let old = r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24","gateway":"10.0.0.1","routes":[{"dst":"0.0.0.0/0"}]}}"#;
        assert_eq!(corrected(old, true, false, &[]).1, Vec::<String>::new());
    }
}
