//! The version a configuration wants its plugins to be called with.

use super::{ConfError, Fields, UnsupportedVersion, Version, fields};

/// `cniVersion`, if it is there and not empty.
pub(super) fn of_plugin(members: &Fields) -> Result<Option<Version>, ConfError> {
    Ok(written(members)?.map(|text| text.parse()).transpose()?)
}

/// The highest version that Polypod speaks among `cniVersion` and `cniVersions`. CNI specification, section 1, "Version
/// considerations".
pub(super) fn of_list(members: &Fields) -> Result<Option<Version>, ConfError> {
    let Some(versions) = fields::set(members, "cniVersions") else {
        return of_plugin(members);
    };
    let mut texts = fields::list(versions, "/cniVersions", "a list of texts")?
        .into_iter()
        .enumerate()
        .map(|(index, raw)| fields::text(raw, &format!("/cniVersions/{index}")))
        .collect::<Result<Vec<_>, _>>()?;
    texts.extend(written(members)?);
    texts.retain(|text| !text.is_empty());
    if texts.is_empty() {
        return Ok(None);
    }
    // What is newer than this program is what the list is for: an older version stands beside it.
    let highest = texts.iter().filter_map(|text| text.parse().ok()).max();
    highest.map(Some).ok_or_else(|| {
        ConfError::Versions(UnsupportedVersion {
            found: texts.join(", "),
        })
    })
}

fn written(members: &Fields) -> Result<Option<String>, ConfError> {
    let text = fields::text_at(members, "cniVersion", "/cniVersion")?;
    Ok(text.filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(list: &str) -> Result<Option<Version>, String> {
        of_list(&fields::parse(list).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_highest_version_that_is_known() {
        for (list, wanted) in [
            (r"{}", None),
            (r#"{"cniVersion":""}"#, None),
            (r#"{"cniVersions":[]}"#, None),
            (
                r#"{"cniVersions":null,"cniVersion":"0.4.0"}"#,
                Some(Version::V0_4_0),
            ),
            (
                r#"{"cniVersions":["0.3.1","1.0.0","0.4.0"]}"#,
                Some(Version::V1_0_0),
            ),
            (
                r#"{"cniVersions":["0.3.1"],"cniVersion":"1.1.0"}"#,
                Some(Version::V1_1_0),
            ),
            (
                r#"{"cniVersions":["1.0.0"],"cniVersion":"0.3.1"}"#,
                Some(Version::V1_0_0),
            ),
            (
                r#"{"cniVersions":["1.1.0","1.2.0","2.0.0"]}"#,
                Some(Version::V1_1_0),
            ),
            (
                r#"{"cniVersions":["0.4.0"],"cniVersion":"1.2.0"}"#,
                Some(Version::V0_4_0),
            ),
            (
                r#"{"cniVersions":["0.3.5","newest","0.3.0"]}"#,
                Some(Version::V0_3_0),
            ),
        ] {
            assert_eq!(version(list), Ok(wanted), "{list}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (list, words) in [
            (
                r#"{"cniVersion":"9.9.9"}"#,
                "/cniVersion: CNI version \"9.9.9\"",
            ),
            (
                r#"{"cniVersions":["1.2.0"],"cniVersion":"1.3.0"}"#,
                "/cniVersions: CNI version \"1.2.0, 1.3.0\"",
            ),
            (r#"{"cniVersions":"1.0.0"}"#, "a text at /cniVersions"),
            (
                r#"{"cniVersions":["1.0.0",1.1]}"#,
                "a number at /cniVersions/1",
            ),
            (
                r#"{"cniVersions":["1.0.0"],"cniVersion":1}"#,
                "a number at /cniVersion",
            ),
        ] {
            let error = version(list).unwrap_err();
            assert!(error.contains(words), "{list}: {error}");
        }
    }
}
