//! The text of a sandbox's file: the record in the first line, and in every later line the result of an attachment.
//!
//! A result is appended, so that a pod with a hundred networks costs a hundred short lines and not a hundred records. Every
//! line has its checksum. A line that a killed process left half-written is passed over: the intent before it stands, and
//! without the result its attachment is undone all the same.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Record, SHAPE};

/// A line: what it says, and the checksum of that text.
#[derive(Deserialize)]
struct Sealed<'a> {
    checksum: &'a str,
    #[serde(borrow, alias = "attached")]
    record: &'a RawValue,
}

/// What a later line says.
#[derive(Serialize, Deserialize)]
struct Attached {
    index: usize,
    result: String,
}

/// The first line.
#[must_use]
pub fn intent(record: &Record) -> String {
    let body = serde_json::to_string(record).expect("a record has text keys only");
    seal("record", &body)
}

/// The line that takes the result of the attachment at `index` down.
#[must_use]
pub fn attached(index: usize, result: &str) -> String {
    let said = Attached {
        index,
        result: result.to_owned(),
    };
    let body = serde_json::to_string(&said).expect("a number and a text print");
    seal("attached", &body)
}

/// Reads the text of a sandbox's file.
///
/// # Errors
/// The record is torn, changed, or of another release; in words.
pub fn parse(text: &str) -> Result<Record, String> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let sealed: Sealed<'_> =
        serde_json::from_str(first).map_err(|error| format!("it is torn ({error})"))?;
    let body = sealed.record.get();
    if sealed.checksum != checksum(body) {
        return Err(format!(
            "its checksum is {} and ought to be {}",
            sealed.checksum,
            checksum(body)
        ));
    }
    let mut record = read(body)?;
    for attached in lines.filter_map(whole) {
        if let Some(attachment) = record.attachments.get_mut(attached.index) {
            attachment.result = Some(attached.result);
        }
    }
    Ok(record)
}

fn read(body: &str) -> Result<Record, String> {
    #[derive(Deserialize)]
    struct AnyShape {
        shape: u32,
    }

    let AnyShape { shape } = serde_json::from_str(body).map_err(|error| error.to_string())?;
    if !(1..=SHAPE).contains(&shape) {
        return Err(format!(
            "it is of shape {shape}, and this release of polypod knows shapes up to {SHAPE}; install the release that wrote it again, which deletes the sandbox"
        ));
    }
    let record: Record = serde_json::from_str(body).map_err(|error| error.to_string())?;
    Ok(Record {
        shape: SHAPE,
        ..record
    })
}

fn whole(line: &str) -> Option<Attached> {
    let sealed: Sealed<'_> = serde_json::from_str(line).ok()?;
    let body = sealed.record.get();
    if sealed.checksum == checksum(body) {
        serde_json::from_str(body).ok()
    } else {
        None
    }
}

fn seal(what: &str, body: &str) -> String {
    let checksum = checksum(body);
    format!("{{\"checksum\":\"{checksum}\",\"{what}\":{body}}}\n")
}

fn checksum(body: &str) -> String {
    format!("crc32:{:08x}", crc32fast::hash(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;
    use crate::{bridge::Device, record::Attachment};

    fn record() -> Record {
        let attachment = Attachment {
            name: "default/sriov-net-a".to_owned(),
            default: false,
            interface: "net1".parse().unwrap(),
            conf: r#"{"type":"sriov"}"#.to_owned(),
            runtime_config: Map::new(),
            cni_args: None,
            device: Some(Device {
                resource: "intel.com/sriov".parse().unwrap(),
                id: "0000:03:02.1".parse().unwrap(),
            }),
            args: "A=b".to_owned(),
            device_info: None,
            default_route: None,
            result: None,
        };
        Record {
            netns: Some("/run/netns/x".to_owned()),
            path: vec!["/opt/cni/bin".to_owned()],
            attachments: vec![attachment.clone(), attachment],
            ..Record::new("c1".parse().unwrap())
        }
    }

    fn with_results(results: [Option<&str>; 2]) -> Record {
        let mut record = record();
        for (attachment, result) in record.attachments.iter_mut().zip(results) {
            attachment.result = result.map(str::to_owned);
        }
        record
    }

    #[test]
    fn a_record_reads_what_it_prints() {
        let text = intent(&record());
        assert_eq!(parse(&text), Ok(record()));
        let text =
            text + &attached(0, "{}") + &attached(1, "{\"a\":1}") + &attached(0, "{\"b\":1}");
        assert_eq!(
            parse(&text),
            Ok(with_results([Some("{\"b\":1}"), Some("{\"a\":1}")]))
        );
        assert_eq!(
            parse(&intent(&with_results([Some("x"), None]))),
            Ok(with_results([Some("x"), None]))
        );
        assert_eq!(
            parse(&(intent(&record()) + &attached(9, "{}"))),
            Ok(record())
        );
    }

    #[test]
    fn another_shape_is_told_from_a_torn_file() {
        let text = |shape| intent(&Record { shape, ..record() });
        assert!(parse(&text(9)).unwrap_err().contains("shape 9"));
        assert_eq!(parse(&text(1)), Ok(record()));
        assert!(parse("").unwrap_err().contains("torn"));
    }

    proptest! {
        #[test]
        fn no_torn_or_changed_record_is_taken(cut in 0usize..1500, flip in 0usize..1500, bit in 0u8..8) {
            let first = intent(&record());
            let text = first.clone() + &attached(0, "{}") + &attached(1, "{}");
            let allowed = [
                record(),
                with_results([Some("{}"), None]),
                with_results([None, Some("{}")]),
                with_results([Some("{}"), Some("{}")]),
            ];
            let cut = cut.min(text.len() - 1);
            match parse(&text[..cut]) {
                Ok(read) => prop_assert!(cut + 1 >= first.len() && allowed.contains(&read)),
                Err(_) => prop_assert!(cut < first.len()),
            }
            let mut bytes = text.clone().into_bytes();
            let at = flip.min(text.len() - 1);
            bytes[at] ^= 1 << bit;
            if let Ok(changed) = String::from_utf8(bytes) && let Ok(read) = parse(&changed) {
                prop_assert!(allowed.contains(&read));
            }
        }
    }
}
