//! `docs`, the book: what it links to is there, it can be built, and what it shows is true.

mod built;
mod commands;
mod demo_picture;
mod links;
mod objects;
mod page;
mod trace;

use crate::{
    fixture::needs::{Need, SCRIPTS},
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let mut scenarios = vec![
        Scenario {
            name: "book::every_link_leads_somewhere",
            needs: &[],
            body: links::lead_somewhere,
        },
        Scenario {
            name: "book::every_page_is_in_the_summary",
            needs: &[],
            body: links::every_page_is_in_the_summary,
        },
        Scenario {
            name: "book::every_picture_is_shown",
            needs: &[],
            body: links::every_picture_is_shown,
        },
        Scenario {
            name: "book::mdbook_builds_it_without_a_warning",
            needs: &[],
            body: built::without_a_warning,
        },
        Scenario {
            name: "book::objects_are_without_a_finding",
            needs: &[],
            body: objects::are_without_a_finding,
        },
        Scenario {
            name: "book::the_picture_of_the_demo_is_of_a_run_of_today",
            needs: &[Need::Namespaces],
            body: demo_picture::is_of_a_run_of_today,
        },
        Scenario {
            name: "book::the_trace_is_of_a_run_of_today",
            needs: SCRIPTS,
            body: trace::is_of_a_run_of_today,
        },
    ];
    scenarios.extend(commands::scenarios());
    scenarios
}
