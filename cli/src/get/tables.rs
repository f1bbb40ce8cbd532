//! Attachments as a table.

use std::time::SystemTime;

use crate::{
    attachments::{Attachment, State},
    output::{Cell, Column, Screen, Table, Tone, age, instant, wrap},
};

/// Whose attachments are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct View {
    /// Of several namespaces.
    pub(super) with_namespace: bool,
    /// Of one pod, whose name everybody knows.
    pub(super) of_one_pod: bool,
}

/// The table, and below it what is wrong with those that are not as they ought to be.
pub(super) fn text(
    attachments: &[Attachment],
    View {
        with_namespace,
        of_one_pod,
    }: View,
    now: SystemTime,
    screen: &Screen,
) -> String {
    if attachments.is_empty() {
        return "no attachments: no pod here has a network-status or asks for networks\n"
            .to_owned();
    }
    let namespace = with_namespace.then(|| Column::new("NAMESPACE"));
    let pod = Column::new("POD").rank(if of_one_pod { 8 } else { 0 });
    let mut table = Table::new(namespace.into_iter().chain([
        pod,
        Column::new("INTERFACE"),
        Column::new("NETWORK"),
        Column::new("STATE"),
        Column::new("ADDRESSES").rank(1),
        Column::new("DEVICE").rank(3),
        Column::new("NUMA").rank(4),
        Column::new("PF").rank(6),
        Column::new("PF-INTERFACE").rank(6),
        Column::new("DELEGATE").rank(5),
        Column::new("SINCE").rank(2),
        Column::new("NODE").rank(7),
        Column::new("RESOURCE").rank(8),
        Column::new("MAC").rank(9),
        Column::new("MTU").number().rank(9),
        Column::new("TOOK").number().rank(9),
        Column::new("DELEGATE-TIMES").rank(9),
        Column::new("STAGES").rank(9),
    ]));
    for one in attachments {
        let namespace = with_namespace.then(|| Cell::new(&one.namespace));
        let optional = |text: &Option<String>| Cell::new(text.clone().unwrap_or_default());
        let numa: Vec<String> = one.numa_nodes.iter().map(ToString::to_string).collect();
        let since = one.attached_at.as_ref().or(one.began_at.as_ref());
        let since = since.or(one.since.as_ref());
        let delegates = one.delegate_times.iter();
        let delegates: Vec<String> = delegates
            .map(|plugin| format!("{}={}ms", plugin.kind, plugin.ms))
            .collect();
        let stages = one.sandbox.iter().flat_map(|sandbox| &sandbox.stages);
        let stages: Vec<String> = stages
            .map(|stage| format!("{}={}ms", stage.name, stage.ms))
            .collect();
        let since = since.and_then(|text| instant(text));
        table.row(namespace.into_iter().chain([
            Cell::new(&one.pod),
            Cell::new(&one.interface),
            Cell::new(&one.network),
            Cell::new(format!("{:?}", one.state)).toned(tone(one.state)),
            Cell::new(one.addresses.join(",")),
            optional(&one.device),
            Cell::new(numa.join(",")),
            optional(&one.physical_function),
            optional(&one.physical_interface),
            Cell::new(one.delegates.join(",")),
            Cell::new(since.map(|since| age(since, now)).unwrap_or_default()),
            Cell::new(&one.node),
            optional(&one.resource),
            Cell::new(&one.mac),
            Cell::new(one.mtu.map(|mtu| mtu.to_string()).unwrap_or_default()),
            Cell::new(one.took_ms.map(|ms| format!("{ms}ms")).unwrap_or_default()),
            Cell::new(delegates.join(",")),
            Cell::new(stages.join(",")),
        ]));
    }
    let mut text = table.text(screen);
    let degraded = attachments.iter().filter(|one| one.state.is_degraded());
    for one in degraded {
        let Attachment {
            namespace,
            pod,
            network,
            ..
        } = one;
        let why = one.message.as_deref().unwrap_or("no Event says why");
        let line = format!("{namespace}/{pod} {network}: {why}").replace(char::is_control, " ");
        text.push('\n');
        for line in wrap(&line, screen.width.unwrap_or(usize::MAX).max(20)) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

fn tone(state: State) -> Tone {
    match state {
        State::Attached => Tone::Good,
        State::Awaited => Tone::Warning,
        State::Failing | State::Missing | State::Unknown => Tone::Bad,
    }
}
