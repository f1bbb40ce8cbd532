//! How long attachments took, as their pod's annotation says it.

use std::collections::BTreeSet;

use api::attachment_times::{AttachmentTimes, Milliseconds};

/// What an annotation has to say of these attachments, each an interface and the types of its delegates: who took how long,
/// and no parts that are longer than their whole.
pub(super) fn check(text: &str, wanted: &[(&str, &[&str])]) {
    let times = AttachmentTimes::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let sandbox = times.sandbox.expect("the sandbox was timed");
    let names: Vec<&str> = sandbox.stages.iter().map(|stage| &*stage.name).collect();
    let stages = spec::bridge::Stage::OF_ADD;
    assert_eq!(names, stages, "{text}");
    let question = &sandbox.stages[2];
    let parts: BTreeSet<&str> = question.parts.iter().map(|part| &*part.name).collect();
    assert_eq!(parts, BTreeSet::from(["lookup", "devices"]), "{text}");
    within(question.ms, question.parts.iter().map(|part| part.ms), text);
    within(
        sandbox.ms,
        sandbox.stages.iter().map(|stage| stage.ms),
        text,
    );

    let attach = &sandbox.stages[4];
    within(attach.ms, times.attachments.iter().map(|one| one.ms), text);
    let mut earlier = sandbox.began.0;
    let mut made = Vec::new();
    for one in &times.attachments {
        assert!(one.began.0 >= earlier, "{text}");
        earlier = one.began.0;
        within(one.ms, one.delegates.iter().map(|plugin| plugin.ms), text);
        for plugin in &one.delegates {
            assert!(plugin.ms > Milliseconds::default(), "{text}");
        }
        let kinds: Vec<&str> = one.delegates.iter().map(|plugin| &*plugin.kind).collect();
        made.push((one.interface.clone(), kinds));
    }
    let wanted: Vec<(String, Vec<&str>)> = wanted
        .iter()
        .map(|(interface, kinds)| ((*interface).to_owned(), kinds.to_vec()))
        .collect();
    assert_eq!(made, wanted, "{text}");
}

fn within(whole: Milliseconds, parts: impl Iterator<Item = Milliseconds>, text: &str) {
    let together: u64 = parts.map(Milliseconds::micros).sum();
    assert!(
        together <= whole.micros(),
        "{together} us in {whole} ms: {text}"
    );
}
