//! What is printed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{load::Load, server::Server};

/// One server, asked over so many connections.
pub(crate) struct Row {
    name: String,
    is_floor: bool,
    networks: Option<usize>,
    connections: usize,
    rate: f64,
    p50: f64,
    p99: f64,
    /// Of the server, for each request; none where its process is not ours.
    cpu: Option<f64>,
    peak_rss: Option<f64>,
}

impl Row {
    pub(crate) fn new(server: &Server, connections: usize, load: Load, cpu: Duration) -> Self {
        let Load { mut answers, time } = load;
        answers.sort_unstable();
        let at = |hundredths: usize| {
            let answer = answers.get(answers.len() * hundredths / 100);
            answer.map_or(f64::NAN, |answer| answer.as_secs_f64() * 1e6)
        };
        Self {
            name: server.name.clone(),
            is_floor: server.name == "the floor",
            networks: server.networks,
            connections,
            rate: answers.len() as f64 / time.as_secs_f64(),
            p50: at(50),
            p99: at(99),
            cpu: (!cpu.is_zero()).then(|| cpu.as_secs_f64() * 1e6 / answers.len() as f64),
            peak_rss: server.peak_rss(),
        }
    }
}

fn floor(rows: &[Row], connections: usize) -> f64 {
    let floor = rows
        .iter()
        .find(|row| row.is_floor && row.connections == connections);
    floor.map_or(f64::NAN, |row| row.rate)
}

/// As a table for docs.
pub(crate) fn print(rows: &[Row]) {
    println!(
        "| server | connections | requests/s | × floor | p50 µs | p99 µs | CPU µs a request | peak memory, MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
    for row in rows {
        println!(
            "| {} | {} | {:.0} | {:.2} | {:.0} | {:.0} | {} | {} |",
            row.name,
            row.connections,
            row.rate,
            row.rate / floor(rows, row.connections),
            row.p50,
            row.p99,
            number(row.cpu),
            number(row.peak_rss),
        );
    }
}

/// The row of 8 connections and the most networks.
pub(crate) fn json(rows: &[Row]) -> Value {
    let of_eight = rows.iter().filter(|row| row.connections == 8);
    let row = of_eight
        .max_by_key(|row| row.networks)
        .expect("there is a row of the webhook");
    json!({
        "requests_per_second": row.rate.round(),
        "floor_requests_per_second": floor(rows, 8).round(),
        "p50_us": row.p50.round(),
        "p99_us": row.p99.round(),
        "peak_rss_mib": row.peak_rss,
        "nads": row.networks,
    })
}
