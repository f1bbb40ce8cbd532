//! Every code by which a program refuses something, and every rule of admission.

use std::collections::BTreeSet;

use admission::Rule;

use super::{
    of_codes::{CODES, todo},
    of_http::{ANSWERS, OF_THE_KUBELET},
    page::{Page, code, words},
    sources::of,
};

const ABOUT: &str = "\
Every code and every rule by which Polypod refuses something, and what to do about it.
The message beside a code says what was attempted, on which object, what was found and what to do; this page is for who has the code alone.
";

const OF_THE_PLUGIN: &str = "\
`code` of the CNI error that `polypod` prints, as the container runtime and the kubelet's Event `FailedCreatePodSandBox` show it.
0 to 99 are the CNI specification's, from 100 on ours. A delegate's own code is kept. Several errors are joined; the first one decides the code.
";

const OF_ADMISSION: &str = "\
By these names a denial is counted (`polypod_admission_decisions_total{reason}`), [lint](lint.md) reports, and an administrator relaxes (`modes` of the [configuration](reference-configuration.md)).
The API server answers with 422 where the object is wrong in itself, with 403 where the cluster does not let it in, and with a message that names everything that is wrong.
";

const OF_HTTP: &str = "\
An AdmissionReview is answered with 200 whatever is decided; another status means that nothing was decided, and `failurePolicy` of the registration says what happens.
The hot-plug socket answers with 400 where an attachment fails, and has the plugin's CNI error as JSON.
In brackets is the reason of `polypod_admission_decisions_total` and `polypod_scheduler_requests_failed_total`.
";

const OF_GRPC: &str = "\
What the node agent makes of the status with which the kubelet's pod-resources API ends a call. The kubelet answers most errors with the code Unknown, so that its words decide.
Any other is final, and the pod's request fails with 5 and the kubelet's words.
";

pub(super) fn are_those_of_the_programs() {
    codes_are_those_of_the_specification();
    statuses_are_those_of_the_sources();
    let mut page = Page::new(
        "reference-errors.md",
        "Errors and rules",
        "references::the_errors_are_those_of_the_programs",
        ABOUT,
    );
    page.section("Codes of the plugin", OF_THE_PLUGIN);
    let rows = CODES.iter().map(|error| {
        [
            code(error.number),
            code(error.name),
            error.meaning.to_owned(),
            error.todo.to_owned(),
        ]
    });
    page.table(["code", "name", "meaning", "what to do"], rows);
    page.section("Rules of admission", OF_ADMISSION);
    let rows = Rule::ALL.iter().map(|rule| {
        [
            code(rule),
            words(rule.description()),
            todo(*rule).to_owned(),
        ]
    });
    page.table(["rule", "what holds where it is kept", "what to do"], rows);
    page.section("Statuses of HTTP", OF_HTTP);
    let rows = ANSWERS.iter().map(|answer| {
        let program = match answer.krate {
            "webhook" => "webhook",
            _ => "node agent",
        };
        [
            code(answer.number),
            program.to_owned(),
            answer.of.to_owned(),
            answer.when.to_owned(),
            answer.todo.to_owned(),
        ]
    });
    page.table(["status", "of", "paths", "when", "what to do"], rows);
    page.section("Statuses of the kubelet", OF_GRPC);
    let rows = OF_THE_KUBELET
        .iter()
        .map(|(name, number, said, taken, done)| {
            [
                code(format!("{number} {name}")),
                (*said).to_owned(),
                (*taken).to_owned(),
                (*done).to_owned(),
            ]
        });
    page.table(["status", "with the words", "is taken for", "then"], rows);
    page.compare();
}

/// The constants of `spec::cni::code` with their numbers, and somebody who says each.
fn codes_are_those_of_the_specification() {
    let spec = of("spec");
    let (_, source) = spec
        .iter()
        .find(|(file, _)| file.ends_with("cni/error.rs"))
        .expect("the codes are there");
    let known: BTreeSet<(&str, &str)> = source
        .split("pub const ")
        .skip(1)
        .filter_map(|rest| rest.split_once(": u32 = "))
        .filter_map(|(name, rest)| Some((name, rest.split_once(';')?.0)))
        .collect();
    let numbers: Vec<String> = CODES.iter().map(|code| code.number.to_string()).collect();
    let described: BTreeSet<(&str, &str)> = CODES
        .iter()
        .zip(&numbers)
        .map(|(code, number)| (code.name, number.as_str()))
        .collect();
    assert_eq!(
        known, described,
        "codes of spec::cni::code, and of_codes.rs"
    );
    let said: String = ["plugin", "device-bridge", "spec"]
        .into_iter()
        .flat_map(of)
        .map(|(_, code)| code)
        .collect();
    for code in CODES {
        // 51 is a delegate's word, which is handed on.
        let is_said = said.contains(&format!("code::{}", code.name));
        assert_eq!(
            is_said,
            code.name != "LIMITED_CONNECTIVITY",
            "{}",
            code.name
        );
    }
}

/// Every status that stands in a source is on the page, and the other way round.
fn statuses_are_those_of_the_sources() {
    let named = |krate: &'static str, prefix: &str| -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for (_, code) in of(krate) {
            for rest in code.split(prefix).skip(1) {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                names.insert(rest[..end.unwrap_or(rest.len())].to_owned());
            }
        }
        names
    };
    for krate in ["webhook", "device-bridge"] {
        let mut found = named(krate, "StatusCode::");
        found.retain(|name| name != "OK" && name != "from_u16");
        let described: BTreeSet<String> = ANSWERS
            .iter()
            .filter(|answer| answer.krate == krate)
            .map(|answer| answer.status.to_owned())
            .collect();
        assert_eq!(found, described, "statuses of {krate}, and of_http.rs");
    }
    for answer in ANSWERS {
        let status = axum::http::StatusCode::from_u16(answer.number).expect("it is a status");
        let reason = status.canonical_reason().unwrap_or_default();
        let name = reason.to_uppercase().replace([' ', '-'], "_");
        assert_eq!(name, answer.status, "{}", answer.number);
    }
    let found = named("device-bridge", "Code::");
    let found: BTreeSet<&str> = found
        .iter()
        .map(String::as_str)
        // Of other types whose names end alike.
        .filter(|name| name.chars().any(|c| c.is_ascii_lowercase()))
        .filter(|name| !["from_u16"].contains(name))
        .collect();
    let described: BTreeSet<&str> = OF_THE_KUBELET.iter().map(|status| status.0).collect();
    let of_exits: BTreeSet<&str> = ["SUCCESS", "FAILURE"].into();
    assert!(described.is_disjoint(&of_exits));
    assert_eq!(found, described, "statuses of gRPC, and of_http.rs");
    for (name, number, ..) in OF_THE_KUBELET {
        let known = format!("{:?}", tonic::Code::from_i32(*number));
        assert_eq!(known, *name);
    }
}
