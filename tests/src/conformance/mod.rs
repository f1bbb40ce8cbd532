//! The contract of admission, row by row, against a running webhook over TLS.
//!
//! Pods are the rows 1 to 70, NetworkAttachmentDefinitions N1 to N20, certificates C1 to C7. What a row wants is data; every
//! answer is also held to what an API server asks of it.

mod answer;
mod at_load;
mod content_type;
mod default_network;
mod definitions;
mod features;
mod injection;
mod isolation;
mod judge;
mod left_alone;
mod networks;
mod numbers;
mod placement;
mod requests;
mod row;
mod selections;
mod store;
mod webhook;

use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let tests: [(&'static str, fn()); 14] = [
        ("conformance::selections", selections::selections),
        ("conformance::injection", injection::injection),
        (
            "conformance::default_network",
            default_network::default_network,
        ),
        ("conformance::placement", placement::placement),
        ("conformance::keys_and_labels", features::keys_and_labels),
        ("conformance::downward_api", features::downward_api),
        ("conformance::left_alone", left_alone::left_alone),
        ("conformance::relaxed", left_alone::relaxed),
        ("conformance::definitions", definitions::definitions),
        ("conformance::isolation", isolation::isolation),
        ("conformance::requests", requests::requests),
        ("conformance::content_type", content_type::content_type),
        ("conformance::refused_at_load", at_load::refused_at_load),
        (
            "conformance::every_number_is_covered",
            numbers::every_number_is_covered,
        ),
    ];
    tests
        .into_iter()
        .chain(store::TESTS)
        .map(|(name, body)| Scenario {
            name,
            needs: &[],
            body,
        })
        .collect()
}
