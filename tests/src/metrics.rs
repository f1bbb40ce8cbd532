//! Metrics are described as they are exposed, and dashboard, alerts and runbooks speak of what there is.

mod alerts;
mod catalogue;
mod dashboard;
mod exposed;
mod metric;
mod of_agent;
mod of_scheduling;
mod of_webhook;
mod page;
mod promql;
mod source;

use serde_json::json;

use crate::{
    admission, extender,
    fixture::needs::{Need, SCRIPTS},
    observability,
    scenario::Scenario,
    topology,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, needs, body| Scenario { name, needs, body };
    vec![
        scenario(
            "metrics::the_page_is_made_from_the_catalogue",
            &[][..],
            page::is_made_from_the_catalogue as fn(),
        ),
        scenario(
            "metrics::the_catalogue_is_what_the_programs_register",
            &[],
            source::registers_what_the_catalogue_says,
        ),
        scenario(
            "metrics::the_catalogue_is_what_the_programs_expose",
            SCRIPTS,
            what_the_programs_expose,
        ),
        scenario(
            "metrics::the_dashboard_asks_for_what_there_is",
            &[],
            dashboard::asks_for_what_there_is,
        ),
        scenario(
            "metrics::alerts_ask_for_what_there_is",
            &[],
            alerts::ask_for_what_there_is,
        ),
        scenario(
            "metrics::every_alert_has_a_runbook",
            &[],
            alerts::have_runbooks,
        ),
        scenario(
            "metrics::promtool_takes_rules_and_dashboard",
            &[Need::Promtool],
            alerts::are_taken_by_promtool,
        ),
        scenario(
            "metrics::alerts_fire_when_they_should",
            &[Need::Promtool],
            alerts::fire_when_they_should,
        ),
    ]
}

/// All programs at work, and one webhook that has done nothing yet and never hears of a cluster.
fn what_the_programs_expose() {
    let mut seen = exposed::Seen::default();
    seen.read(&observability::metrics_of_an_agent());
    seen.read(&topology::folder::metrics());
    seen.read(&admission::metrics_of_a_webhook());
    let pod = extender::server::pod("p", 1);
    let extender = extender::server::Extender::of(&extender::server::node("n1", &[0, 2]), &[]);
    for (verb, body) in [
        ("filter", json!({"Pod": pod, "NodeNames": ["n1", "n2"]})),
        ("prioritize", json!({"Pod": pod, "NodeNames": ["n1"]})),
        ("filter", json!({})),
    ] {
        extender.post(verb, &body.to_string());
    }
    extender.get("/scheduler/explain?namespace=default&pod=nobody");
    seen.read(&extender.health("/metrics").1);
    let alone = extender::server::Extender::of_nobody();
    seen.read(&alone.health("/metrics").1);
    seen.is_everything();
}
