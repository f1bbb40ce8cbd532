//! Which file is the primary, and when another one becomes it.

use serde_json::json;

use super::*;

const BRIDGE: &str = r#"{"name":"b","type":"bridge"}"#;

const LOOPBACK: &str = r#"{"cniVersion":"1.0.0","name":"lo","type":"loopback"}"#;

fn folder(files: &[(&str, &str)]) -> ConfFolder {
    let mut files: Vec<FoundConf> = files
        .iter()
        .map(|(name, text)| FoundConf::of(name, text))
        .collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    ConfFolder {
        files,
        aside: Vec::new(),
    }
}

fn chosen(files: &[(&str, &str)], wanted: Option<&str>) -> (Option<String>, Vec<String>) {
    let choice = choose(&folder(files), wanted, Some("00-polypod.conflist"), None);
    let passed_over = choice.passed_over.into_iter().map(|(file, _)| file);
    (
        choice.primary.and_then(|primary| primary.file),
        passed_over.collect(),
    )
}

#[test]
fn the_first_that_is_none_of_us() {
    let nested =
        json!({"name":"n","plugins":[{"type":"x","delegates":[{"plugins":[{"Type":"multus"}]}]}]})
            .to_string();
    for (files, wanted, primary, passed_over) in [
        (
            &[("20-a.conf", BRIDGE), ("10-b.conf", BRIDGE)][..],
            None,
            Some("10-b.conf"),
            &[][..],
        ),
        // Bytes decide, as in Go: "100" before "20".
        (
            &[("20-a.conf", BRIDGE), ("100-b.conf", BRIDGE)],
            None,
            Some("100-b.conf"),
            &[],
        ),
        (&[("00-polypod.conflist", BRIDGE)], None, None, &[]),
        // A name like ours says nothing, nor does one like Multus's; what is in it does.
        (
            &[("00-multus.conf", BRIDGE)],
            None,
            Some("00-multus.conf"),
            &[],
        ),
        (
            &[
                ("05-x.conf", r#"{"name":"p","type":"polypod"}"#),
                ("10-b.conf", BRIDGE),
            ],
            None,
            Some("10-b.conf"),
            &["05-x.conf"],
        ),
        (
            &[
                ("05-x.conf", r#"{"name":"p","type":"multus-shim"}"#),
                ("10-b.json", BRIDGE),
            ],
            None,
            Some("10-b.json"),
            &["05-x.conf"],
        ),
        (
            &[("05-x.conflist", nested.as_str()), ("10-b.conf", BRIDGE)],
            None,
            Some("10-b.conf"),
            &["05-x.conflist"],
        ),
        (
            &[("05-x.conf", "{"), ("06-y.conf", ""), ("10-b.conf", BRIDGE)],
            None,
            Some("10-b.conf"),
            &["05-x.conf", "06-y.conf"],
        ),
        // It would be all that pods get until the cluster network is there.
        (
            &[("05-lo.conf", LOOPBACK), ("10-b.conf", BRIDGE)],
            None,
            Some("10-b.conf"),
            &["05-lo.conf"],
        ),
        (&[("99-lo.conf", LOOPBACK)], None, None, &["99-lo.conf"]),
        (
            &[("99-lo.conf", LOOPBACK)],
            Some("99-lo.conf"),
            Some("99-lo.conf"),
            &[],
        ),
        // A list does not stand in a file that ends in .conf.
        (
            &[
                ("05-x.conf", r#"{"name":"l","plugins":[{"type":"a"}]}"#),
                ("10-b.conf", BRIDGE),
            ],
            None,
            Some("10-b.conf"),
            &["05-x.conf"],
        ),
        (
            &[("10-a.conf", BRIDGE), ("20-b.conf", BRIDGE)],
            Some("20-b.conf"),
            Some("20-b.conf"),
            &[],
        ),
        (
            &[("10-a.conf", BRIDGE), ("20-b.conf", "{")],
            Some("20-b.conf"),
            None,
            &["20-b.conf"],
        ),
        (&[("10-a.conf", BRIDGE)], Some("20-b.conf"), None, &[]),
        (&[], None, None, &[]),
    ] {
        let (found, others) = chosen(files, wanted);
        assert_eq!(found.as_deref(), primary, "{files:?}");
        assert_eq!(others, passed_over, "{files:?}");
    }
}

#[test]
fn multus_gives_the_primary_where_nothing_else_does() {
    let multus = FoundConf::of(
        "00-multus.conf",
        r#"{"name":"m","type":"multus","delegates":[{"name":"cbr0","type":"flannel"}]}"#,
    );
    let multus = MultusConf::read(Some(&multus), None).unwrap().unwrap();
    let alone = choose(&folder(&[]), None, None, Some(&multus))
        .primary
        .unwrap();
    assert_eq!(
        (alone.file, alone.conf.name().unwrap().as_str()),
        (None, "cbr0")
    );
    let beside = choose(&folder(&[("10-a.conf", BRIDGE)]), None, None, Some(&multus));
    assert_eq!(beside.primary.unwrap().file.as_deref(), Some("10-a.conf"));
    assert!(
        choose(&folder(&[]), Some("10-a.conf"), None, Some(&multus))
            .primary
            .is_none()
    );
}

#[test]
fn another_primary_only_when_the_runtime_would_take_it_too() {
    let short = Duration::from_secs(1);
    for (files, gone_for, wanted) in [
        (
            &[("10-a.conf", BRIDGE), ("20-b.conf", BRIDGE)][..],
            short,
            Steady::Take,
        ),
        (
            &[("05-new.conf", BRIDGE), ("10-a.conf", BRIDGE)],
            short,
            Steady::Take,
        ),
        (&[("05-new.conf", BRIDGE)], short, Steady::Take),
        (&[("20-b.conf", BRIDGE)], short, Steady::Gone),
        (&[("20-b.conf", BRIDGE)], GONE_FOR_GOOD, Steady::Take),
        (&[], GONE_FOR_GOOD * 9, Steady::Gone),
    ] {
        let folder = folder(files);
        let choice = choose(&folder, None, None, None);
        assert_eq!(
            steady(&choice, &folder, Some("10-a.conf"), gone_for, false),
            wanted,
            "{files:?}"
        );
    }
    let torn = folder(&[("10-a.conf", "{\"na"), ("20-b.conf", BRIDGE)]);
    let choice = choose(&torn, None, None, None);
    assert!(matches!(
        steady(&choice, &torn, Some("10-a.conf"), GONE_FOR_GOOD, false),
        Steady::Broken(_)
    ));
    assert_eq!(
        steady(&choice, &torn, None, short, false),
        Steady::Take,
        "at start it is passed over"
    );
}
