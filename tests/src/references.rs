//! The reference pages of the book, made from the programs: what a page does not say, a program does not have.

mod annotations;
mod configuration;
mod errors;
mod events;
pub(crate) mod flags;
mod of_annotations;
mod of_codes;
mod of_events;
mod of_http;
mod of_plugin;
mod of_policy;
mod page;
mod sources;

use crate::scenario::Scenario;

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, body| Scenario {
        name,
        needs: &[],
        body,
    };
    vec![
        scenario(
            "references::the_flags_are_those_of_the_programs",
            flags::are_those_of_the_programs as fn(),
        ),
        scenario(
            "references::the_configuration_is_that_of_the_programs",
            configuration::is_that_of_the_programs,
        ),
        scenario(
            "references::the_annotations_are_those_of_the_programs",
            annotations::are_those_of_the_programs,
        ),
        scenario(
            "references::the_events_are_those_of_the_programs",
            events::are_those_of_the_programs,
        ),
        scenario(
            "references::the_errors_are_those_of_the_programs",
            errors::are_those_of_the_programs,
        ),
        scenario(
            "references::texts_of_a_source_are_told_from_its_comments",
            sources::texts_are_told_from_comments,
        ),
    ]
}
