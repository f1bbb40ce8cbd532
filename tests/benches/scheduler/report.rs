//! What is printed.

use std::time::Duration;

use serde_json::{Value, json};

/// A verb, of so many names.
pub(crate) struct Row {
    verb: &'static str,
    names: usize,
    /// Bytes of the question, of the webhook's answer, and of the floor's.
    bytes: [usize; 3],
    webhook: Times,
    floor: Times,
}

/// Milliseconds.
struct Times {
    p50: f64,
    p99: f64,
}

impl Times {
    fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let at = |hundredths: usize| took[took.len() * hundredths / 100].as_secs_f64() * 1e3;
        Self {
            p50: at(50),
            p99: at(99),
        }
    }
}

/// What p99 may be, in milliseconds.
fn aim(names: usize) -> Option<f64> {
    match names {
        750 => Some(2.0),
        5_000 => Some(5.0),
        15_000 => Some(15.0),
        _ => None,
    }
}

impl Row {
    pub(crate) fn new(
        verb: &'static str,
        names: usize,
        bytes: [usize; 3],
        webhook: Vec<Duration>,
        floor: Vec<Duration>,
    ) -> Self {
        Self {
            verb,
            names,
            bytes,
            webhook: Times::of(webhook),
            floor: Times::of(floor),
        }
    }

    fn ratio(&self) -> f64 {
        self.webhook.p50 / self.floor.p50
    }
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

/// As tables for docs.
pub(crate) fn print(rows: &[Row], [at_start, webhook, floor]: [f64; 3]) {
    println!(
        "| verb | names | question, KB | answer, KB | floor p50 ms | floor p99 ms | p50 ms | p99 ms | × floor (p50) | × floor (p99) |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for row in rows {
        println!(
            "| {} | {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            row.verb,
            row.names,
            row.bytes[0] / 1000,
            row.bytes[1] / 1000,
            row.floor.p50,
            row.floor.p99,
            row.webhook.p50,
            row.webhook.p99,
            row.ratio(),
            row.webhook.p99 / row.floor.p99,
        );
    }
    println!("\n| what | value | aim | |");
    println!("| --- | --- | --- | --- |");
    for row in rows {
        if let Some(aim) = aim(row.names) {
            println!(
                "| {} of {} names, p99 ms | {:.2} | ≤ {aim} | {} |",
                row.verb,
                row.names,
                row.webhook.p99,
                verdict(row.webhook.p99 <= aim)
            );
        }
    }
    let worst = worst(rows);
    println!(
        "| the largest of all ratios to the floor, by p50 | {worst:.2} | ≤ 3 | {} |",
        verdict(worst <= 3.0)
    );
    println!(
        "| peak memory of the webhook, MiB | {webhook:.1} | ≤ 64 | {} |",
        verdict(webhook <= 64.0)
    );
    println!("| the same before the first question | {at_start:.1} | | |");
    println!("| peak memory of the floor, MiB | {floor:.1} | | |");
}

fn worst(rows: &[Row]) -> f64 {
    rows.iter().map(Row::ratio).fold(0.0, f64::max)
}

pub(crate) fn json(rows: &[Row], [at_start, webhook, floor]: [f64; 3]) -> Value {
    let row = |row: &Row| {
        json!({
            "verb": row.verb,
            "names": row.names,
            "question_bytes": row.bytes[0],
            "answer_bytes": row.bytes[1],
            "floor_answer_bytes": row.bytes[2],
            "p50_ms": row.webhook.p50,
            "p99_ms": row.webhook.p99,
            "floor_p50_ms": row.floor.p50,
            "floor_p99_ms": row.floor.p99,
        })
    };
    json!({
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "worst_ratio": worst(rows),
        "peak_rss_mib": webhook,
        "start_rss_mib": at_start,
        "floor_rss_mib": floor,
    })
}
