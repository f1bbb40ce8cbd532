//! The reference page, made from the catalogue.

use std::fmt::Write as _;

use super::{
    catalogue::SECTIONS,
    metric::{Label, Metric, Values},
};
use crate::fixture::binaries::workspace;

/// With it the page is written, and not compared.
const UPDATE: &str = "UPDATE_DOCS";

const HEAD: &str = "\
# Metrics

<!-- Made by `UPDATE_DOCS=1 cargo test --workspace --test tests -- metrics::the_page_is_made_from_the_catalogue`
     from tests/src/metrics; a test compares. -->

Every metric of every component, as Prometheus stores it. OpenMetrics text, without TLS, on `/metrics`.
The plugin `polypod` is executed and gone; what it does is counted by the node agent that it asks and reports to, and timed by the kubelet (`kubelet_runtime_operations_duration_seconds`). `kubectl-polypod` and the devices' own plugins have none of ours.

A counter is there from its first increase on; one marked ● begins at 0 with every value, so that `increase()` sees the first one.
A histogram has `_bucket`, `_sum` and `_count`. No label is the name of a pod.
Alerts are in [runbooks.md](runbooks.md), the dashboard and who scrapes what in [observability.md](observability.md).
";

pub(super) fn is_made_from_the_catalogue() {
    let file = workspace().join("docs/metrics.md");
    let made = page();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&file, &made).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "{} is not what the catalogue says: {UPDATE}=1 cargo test --workspace --test tests -- metrics::the_page_is_made_from_the_catalogue",
        file.display()
    );
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for section in &SECTIONS {
        let (title, about) = (section.title, section.about);
        write!(page, "\n## {title}\n\n{about}\n\n").expect("memory can be written");
        page.push_str("| metric | type, unit | labels | meaning | when to worry |\n");
        page.push_str("| --- | --- | --- | --- | --- |\n");
        for metric in section.metrics {
            page.push_str(&row(metric));
        }
    }
    page
}

fn row(metric: &Metric) -> String {
    let begins = if metric.begins { " ●" } else { "" };
    let labels: Vec<String> = metric.labels.iter().map(label).collect();
    format!(
        "| `{}`{begins} | {}, {} | {} | {} | {} |\n",
        metric.name,
        metric.kind.as_str(),
        metric.unit,
        labels.join("; "),
        metric.meaning,
        metric.worry,
    )
}

fn label(Label(name, values): &Label) -> String {
    let quoted = |values: &[&str]| {
        let quoted: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        quoted.join(", ")
    };
    match values {
        Values::These(values) => format!("`{name}`: {}", quoted(values)),
        Values::Rules([]) => format!("`{name}`: a [rule](lint.md#rules-and-levels)"),
        Values::Rules(more) => {
            format!(
                "`{name}`: {}, or a [rule](lint.md#rules-and-levels)",
                quoted(more)
            )
        }
        Values::Any(words) => format!("`{name}`: {words}"),
    }
}
