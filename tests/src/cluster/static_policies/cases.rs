//! Pods for the static policies: what their annotations say, and whether they must be denied.

/// A pod by its namespace and annotations, and whether the static policy must deny it.
pub(super) struct Case {
    pub(super) namespace: &'static str,
    pub(super) networks: String,
    pub(super) default_network: Option<&'static str>,
    pub(super) is_denied: bool,
}

pub(super) fn case(namespace: &'static str, networks: impl Into<String>, is_denied: bool) -> Case {
    Case {
        namespace,
        networks: networks.into(),
        default_network: None,
        is_denied,
    }
}

pub(super) fn with_default(default_network: &'static str, networks: &str, is_denied: bool) -> Case {
    Case {
        default_network: Some(default_network),
        ..case("default", networks, is_denied)
    }
}

/// What is enforced without any configuration.
pub(super) fn syntax() -> Vec<Case> {
    let right = [
        "",
        " ",
        "foo",
        "foo, shared/foo@data0",
        " shared / foo @ Net_1 , foo@net1.100",
        "foo\u{85},\u{a0}foo",
        "[]",
        " [{\"name\": \"foo\"}] ",
        "foo@net1,foo",
        "foo@net999999999999",
        "foo@net7",
        "foo@\u{e9}\u{e9}",
    ];
    let wrong = [
        ",",
        "foo,",
        "foo,,foo",
        "foo@a@b",
        "a/b/c",
        "foo.bar",
        "Foo",
        "-foo",
        "foo@lo",
        "foo@a b",
        "foo@",
        "foo@a:b",
        "foo@1234567890123456",
        "foo@a,foo@a",
        "/foo",
        "shared/",
        "{\"name\": \"foo\"}",
        "\"foo\"",
        "[{\"name\": \"foo\"}",
        "foo@eth0",
        "foo@net2,foo",
        "foo,foo@net1",
        "foo@..",
        "Shared/foo",
    ];
    let mut cases: Vec<Case> = right
        .iter()
        .map(|text| case("default", *text, false))
        .collect();
    cases.extend(wrong.iter().map(|text| case("default", *text, true)));
    cases.push(case("default", vec!["foo"; 256].join(","), false));
    cases.push(case("default", vec!["foo"; 257].join(","), true));
    // CEL cannot know.
    for unseen in [
        "[{}]",
        "[null]",
        "[{\"name\": \"nowhere\"}]",
        "nowhere",
        "foo@\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    ] {
        cases.push(case("default", unseen, false));
    }
    cases.extend([
        with_default("def", "", false),
        with_default("def", "foo@eth0", true),
        with_default("def@eth5", "foo@eth0", false),
        with_default("", "foo", true),
        with_default("def,def", "foo", true),
        with_default("{}", "foo", true),
        with_default("[{\"name\": \"def\"}]", "foo", false),
        with_default("def@lo", "foo", false),
    ]);
    // Left out by the binding.
    cases.push(case("kube-system", "foo,", false));
    cases
}

/// What a policy about access adds. The verb `use` is granted to team on shared/foo alone.
pub(super) fn access() -> Vec<Case> {
    vec![
        case("team", "shared/foo", false),
        case("team", "shared/bar", true),
        case("team", "foo", true),
        case("team", "default/foo", true),
        case("team", " shared / foo ,default/foo", true),
        case(
            "team",
            "[{\"name\": \"foo\", \"namespace\": \"default\"}]",
            false,
        ),
        // Not labelled as the list wants, and isolated all the same.
        case("other", "shared/foo", true),
    ]
}

/// In lab the syntax is only warned of, and what the plugin does not understand is not judged further.
pub(super) fn relaxed() -> Vec<Case> {
    vec![
        case("lab", "foo,,foo", false),
        case("lab", "default/foo", true),
        case("lab", "default/foo,", false),
        case("team", "foo,,foo", false),
        case("default", "foo,,foo", true),
    ]
}
