//! `whereabouts`. Source: README.md and doc/extended-configuration.md of whereabouts, and its refusals.
//!
//! What a configuration lacks may be in a file of the node, so nothing is missing here.

use jsonptr::Pointer;

use super::{
    address,
    every_plugin::DNS,
    field::{Field, INT, Kind, TEXTS, field},
    ipam::{Ipam, ROUTES},
    object::Object,
    plugin::Plugin,
    report::Report,
};
use crate::json::{Json, Value};

/// Here, and not in `ipam` itself, a bound that is no address is refused.
const RANGE: &[Field] = &[
    field("range", Kind::Text),
    field("range_start", Kind::Ip),
    field("range_end", Kind::Ip),
    field("exclude", TEXTS),
];

pub(super) const WHEREABOUTS: Ipam = Ipam {
    plugin: "whereabouts",
    fields: &[
        field("type", Kind::Text),
        field("name", Kind::Text),
        field("range", Kind::Text),
        field("range_start", Kind::Text),
        field("range_end", Kind::Text),
        field("exclude", TEXTS),
        field("ipRanges", Kind::List(&Kind::Object(RANGE))),
        field("gateway", Kind::Text),
        field("routes", ROUTES),
        field(
            "addresses",
            Kind::List(&Kind::Object(&[
                field("address", Kind::Text),
                field("gateway", Kind::Ip),
            ])),
        ),
        field("dns", Kind::Object(DNS)),
        field("node_slice_size", Kind::Text),
        field("network_name", Kind::Text),
        field("enable_overlapping_ranges", Kind::Flag),
        field("sleep_for_race", INT),
        field("leader_lease_duration", INT),
        field("leader_renew_deadline", INT),
        field("leader_retry_period", INT),
        field("log_file", Kind::Text),
        field("log_level", Kind::Text),
        field("reconciler_cron_expression", Kind::Text),
        field("configuration_path", Kind::Text),
        field(
            "kubernetes",
            Kind::Object(&[
                field("kubeconfig", Kind::Text),
                field("k8s_api_root", Kind::Text),
            ]),
        ),
        field("datastore", Kind::Text),
        field("etcd_host", Kind::Text),
        field("etcd_username", Kind::Text),
        field("etcd_password", Kind::Text),
        field("etcd_key_file", Kind::Text),
        field("etcd_cert_file", Kind::Text),
        field("etcd_ca_cert_file", Kind::Text),
    ],
    rule,
};

fn rule(ipam: &Object<'_>, _: &Plugin<'_>, report: &mut Report) {
    range(ipam, report);
    for element in ipam.objects("ipRanges") {
        if element.text("range").is_none() {
            report.refused_together(
                &element.place("range"),
                format!("it is missing; write {}", address::CIDR),
            );
        }
        range(&element, report);
    }
    for element in ipam.objects("addresses") {
        if let (Some(json), Some(text)) = (element.get("address"), element.text("address"))
            && address::sloppy_cidr(text).is_none()
        {
            report.refused(&element.place("address"), json, address::CIDR);
        }
    }
    if let (Some(json), Some(gateway)) = (ipam.get("gateway"), ipam.text("gateway"))
        && address::sloppy_ip(gateway).is_none()
    {
        report.refused(
            &ipam.place("gateway"),
            json,
            "an IP address, such as 10.1.0.1 or fd00::1",
        );
    }
}

/// A range, as a network or from an address to one with the prefix length of both: `10.1.0.10-10.1.0.20/24`.
fn range(range: &Object<'_>, report: &mut Report) {
    let (Some(json), Some(text)) = (range.get("range"), range.text("range")) else {
        return;
    };
    let at = range.place("range");
    let network = match text.split_once('-') {
        None => address::sloppy_cidr(text),
        Some((first, last)) => {
            let first = address::sloppy_ip(first);
            let last = address::sloppy_cidr(last);
            if let (Some(first), Some(last)) = (first, last)
                && !last.contains(&first)
            {
                report.refused(
                    &at,
                    json,
                    format!("from one address of {} to another", last.trunc()),
                );
                return;
            }
            first.and(last)
        }
    };
    let Some(network) = network else {
        report.refused(
            &at,
            json,
            "a network such as 10.1.0.0/24, or a range such as 10.1.0.10-10.1.0.20/24",
        );
        return;
    };
    for key in ["range_start", "range_end"] {
        let Some(bound) = range.text(key) else {
            continue;
        };
        if address::sloppy_ip(bound).is_none_or(|bound| !network.contains(&bound)) {
            report.warn(
                &range.place(key),
                &format!(
                    "it is passed over, as it is no address of {}",
                    network.trunc()
                ),
            );
        }
    }
    for (at, json) in range.list("exclude").unwrap_or_default() {
        excluded(&at, json, report);
    }
}

fn excluded(at: &Pointer, json: &Json<'_>, report: &mut Report) {
    if let Value::Text(text) = &json.value
        && address::cidr(text).is_none()
        && address::ip(text).is_none()
    {
        report.refused(at, json, "an address or a network, such as 10.1.0.0/30");
    }
}
