//! How the engine stands, counted when somebody asks.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
    registry::Unit,
};

use super::scheduling::{Kind, Scheduling};

/// Gauges of the engine.
#[derive(Debug)]
pub struct SchedulingMetrics(pub Arc<Scheduling>);

impl Collector for SchedulingMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let census = self.0.read(|engine, now| engine.census(now));
        let offered = self.0.tentative().len();
        family(
            &mut encoder,
            "scheduler_nodes",
            "Nodes by what is known of them: there are; report by NodeInventory; report by NodeResourceTopology alone; have a stale NodeInventory; report something that is wrong",
            "kind",
            &[
                ("known", census.nodes),
                ("inventory", census.inventories),
                ("topology", census.topologies),
                ("stale", census.stale),
                ("faulty", census.faulty),
            ],
        )?;
        family(
            &mut encoder,
            "scheduler_reservations",
            "Pods by how they are counted: offered a node; bound and not reported yet; reported; not reported",
            "state",
            &[
                ("tentative", offered),
                ("assumed", census.assumed),
                ("confirmed", census.confirmed),
                ("released", census.released),
            ],
        )?;
        let listed = Kind::ALL.map(|kind| (kind.as_str(), usize::from(self.0.is_listed(kind))));
        family(
            &mut encoder,
            "scheduler_synced",
            "1 where the kind has been listed once, or is read from files",
            "kind",
            &listed,
        )?;
        let set_aside = gauge(census.set_aside);
        set_aside.encode(encoder.encode_descriptor(
            "scheduler_nodes_set_aside",
            "Pairs of a node and an owner of pods that the node is not offered to, because its kubelet refused one",
            None,
            set_aside.metric_type(),
        )?)?;
        if let Some(age) = census.oldest_inventory {
            let age = ConstGauge::new(age.as_secs_f64());
            age.encode(encoder.encode_descriptor(
                "scheduler_inventory_age",
                "Time since the last report of the NodeInventory that has been silent for longest",
                Some(&Unit::Seconds),
                age.metric_type(),
            )?)?;
        }
        Ok(())
    }
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &'static str,
    counts: &[(&'static str, usize)],
) -> Result<(), fmt::Error> {
    let mut family = encoder.encode_descriptor(name, help, None, gauge(0).metric_type())?;
    for (value, count) in counts {
        gauge(*count).encode(family.encode_family(&[(label, *value)])?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode_registry, registry::Registry};
    use scheduler::{engine::Event, policy::Policy};
    use serde_json::json;

    use super::*;

    #[test]
    fn counted_when_asked() {
        let scheduling = Scheduling::awaiting(&[Kind::Pods], Policy::default());
        let node = json!({"metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "4"}}});
        scheduling.learn([Event::of_node(&node).unwrap()]);
        scheduling.offered("u", "n1");
        let mut registry = Registry::default();
        registry.register_collector(Box::new(SchedulingMetrics(Arc::new(scheduling))));
        let mut text = String::new();
        encode_registry(&mut text, &registry).unwrap();
        for line in [
            "scheduler_nodes{kind=\"known\"} 1",
            "scheduler_reservations{state=\"tentative\"} 1",
            "scheduler_synced{kind=\"Pods\"} 0",
            "scheduler_synced{kind=\"Nodes\"} 1",
            "scheduler_nodes_set_aside 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
