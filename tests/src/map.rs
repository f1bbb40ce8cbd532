//! `kubectl-polypod map`: files and pages, and what a browser makes of them.

mod browser;
mod claims;
mod followed;
mod kept;
mod large;
mod objects;
mod offline;
mod palette;
mod pictures;
mod rights;
mod seen;
mod served;
mod story;
mod windows;

use crate::{fixture::needs::Need, scenario::Scenario};

pub(crate) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, needs, body| Scenario { name, needs, body };
    vec![
        scenario(
            "map::is_written_into_files",
            &[][..],
            offline::is_written_into_files as fn(),
        ),
        scenario(
            "map::is_served_under_its_own_name_alone",
            &[],
            served::under_its_own_name_alone,
        ),
        scenario(
            "map::a_browser_shows_what_the_document_has",
            &[Need::Chromium],
            seen::shows_what_the_document_has,
        ),
        scenario(
            "map::search_and_filters",
            &[Need::Chromium],
            seen::search_and_filters,
        ),
        scenario(
            "map::the_path_of_a_pod_by_keyboard_alone",
            &[Need::Chromium],
            seen::the_path_of_a_pod_by_keyboard_alone,
        ),
        scenario(
            "map::light_dark_and_narrow",
            &[Need::Chromium],
            seen::light_dark_and_narrow,
        ),
        scenario(
            "map::hostile_names_stay_text",
            &[Need::Chromium],
            seen::hostile_names_stay_text,
        ),
        scenario(
            "map::devices_of_claims",
            &[Need::Chromium],
            claims::devices_of_claims,
        ),
        scenario(
            "map::nothing_is_cut_in_windows_of_many_sizes",
            &[Need::Chromium],
            windows::nothing_is_cut,
        ),
        scenario(
            "map::the_pictures_of_the_book",
            &[Need::Chromium],
            pictures::of_the_book,
        ),
        scenario(
            "map::follows_files",
            &[Need::Chromium],
            followed::follows_files,
        ),
        scenario(
            "map::follows_a_cluster_and_says_when_it_is_lost",
            &[Need::Chromium, Need::ControlPlane],
            followed::follows_a_cluster_and_says_when_it_is_lost,
        ),
        scenario(
            "map::what_is_looked_at_stays_over_updates",
            &[Need::Chromium],
            kept::what_is_looked_at_stays,
        ),
        scenario(
            "map::with_few_rights_shows_what_may_be_seen",
            &[Need::Chromium, Need::ControlPlane],
            rights::shows_what_may_be_seen,
        ),
        scenario(
            "map::a_thousand_nodes_cost_what_is_in_sight",
            &[Need::Chromium],
            large::a_thousand_nodes_cost_what_is_in_sight,
        ),
    ]
}
