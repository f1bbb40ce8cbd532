//! The quality of service of a pod (`ComputePodQOS` of Kubernetes).

use super::{
    Qos,
    amounts::{Amounts, Requirements, add},
};

/// The resources that decide. Devices, huge pages and storage do not.
const DECISIVE: [&str; 2] = ["cpu", "memory"];

/// The quality of service of a pod of these containers; what the pod has as a whole decides alone where it is written.
pub(super) fn of<'a>(
    whole: Option<&Requirements>,
    containers: impl IntoIterator<Item = &'a Requirements>,
) -> Qos {
    let mut requests = Amounts::new();
    let mut limits = Amounts::new();
    let mut is_limited = true;
    let mut count = |own: &Requirements| {
        add(&mut requests, decisive(|resource| own.request(resource)));
        add(&mut limits, decisive(|resource| own.limit(resource)));
        is_limited &= decisive(|resource| own.limit(resource)).count() == DECISIVE.len();
    };
    match whole {
        Some(whole) => count(whole),
        None => containers.into_iter().for_each(count),
    }
    match () {
        () if requests.is_empty() && limits.is_empty() => Qos::BestEffort,
        () if is_limited && requests == limits => Qos::Guaranteed,
        () => Qos::Burstable,
    }
}

fn decisive(amount: impl Fn(&str) -> Option<i64>) -> impl Iterator<Item = (&'static str, i64)> {
    DECISIVE.into_iter().filter_map(move |resource| {
        let amount = amount(resource).filter(|amount| *amount > 0)?;
        Some((resource, amount))
    })
}
