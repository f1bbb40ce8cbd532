//! Frames: a length of four bytes, most significant first, and that many bytes of JSON.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::PROTOCOL;

/// Bytes of a frame before its JSON.
pub const HEADER: usize = 4;

/// The largest JSON of a frame in bytes. An annotation has at most 256 KiB and a pod a few dozen networks, so that a
/// larger frame is a mistake or an attack, and neither side has to hold it.
pub const MAX_FRAME: usize = 4 << 20;

/// A frame that is not understood.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`].
    #[error("the frame has {length} bytes, more than the {MAX_FRAME} that are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Not the JSON of a message.
    #[error("the frame holds no message: {0}")]
    Json(#[from] serde_json::Error),
    /// Another version of the messages.
    #[error(
        "the other side speaks version {found} of the bridge protocol and this one version {PROTOCOL}; install polypod and polypod-device-bridge of one release"
    )]
    Protocol {
        /// The version it speaks.
        found: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    protocol: u32,
    message: T,
}

/// Only the version, to tell an unknown version from an unknown message.
#[derive(Deserialize)]
struct AnyEnvelope {
    protocol: u32,
}

/// A message as a whole frame.
///
/// # Errors
/// It would be longer than [`MAX_FRAME`].
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(
        &mut frame,
        &Envelope {
            protocol: PROTOCOL,
            message,
        },
    )?;
    let length = frame.len() - HEADER;
    let header = u32::try_from(length)
        .ok()
        .filter(|_| length <= MAX_FRAME)
        .ok_or(FrameError::TooLong { length })?;
    frame[..HEADER].copy_from_slice(&header.to_be_bytes());
    Ok(frame)
}

/// The length of the JSON that follows `header`, in bytes.
///
/// # Errors
/// It is longer than [`MAX_FRAME`].
pub fn frame_length(header: [u8; HEADER]) -> Result<usize, FrameError> {
    let length = usize::try_from(u32::from_be_bytes(header)).unwrap_or(usize::MAX);
    if length > MAX_FRAME {
        Err(FrameError::TooLong { length })
    } else {
        Ok(length)
    }
}

/// The message of a frame's JSON.
///
/// # Errors
/// It is not JSON, another version, or another message.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, FrameError> {
    let AnyEnvelope { protocol } = serde_json::from_slice(json)?;
    if protocol != PROTOCOL {
        return Err(FrameError::Protocol { found: protocol });
    }
    let envelope: Envelope<T> = serde_json::from_slice(json)?;
    Ok(envelope.message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        bridge::{Failure, Question, Reply, Request},
        cni::code,
    };

    fn question() -> Request {
        let pod = super::super::PodRef {
            namespace: "default".parse().unwrap(),
            name: "p1".parse().unwrap(),
            uid: Some("u1".to_owned()),
        };
        Request::Question(Question::about(
            pod,
            "c1".parse().unwrap(),
            "kube-system".parse().unwrap(),
        ))
    }

    #[test]
    fn frames_on_the_wire() {
        let frame = encode(&question()).unwrap();
        let header: [u8; HEADER] = frame[..HEADER].try_into().unwrap();
        assert_eq!(frame_length(header).unwrap(), frame.len() - HEADER);
        assert_eq!(decode::<Request>(&frame[HEADER..]).unwrap(), question());
        insta::assert_snapshot!(String::from_utf8_lossy(&frame[HEADER..]));
    }

    #[test]
    fn another_version_is_told_from_garbage() {
        let error =
            decode::<Request>(br#"{"protocol":9,"message":{"something":"new"}}"#).unwrap_err();
        assert!(matches!(error, FrameError::Protocol { found: 9 }));
        assert!(matches!(
            decode::<Request>(b"GET / HTTP/1.1"),
            Err(FrameError::Json(_))
        ));
        assert!(frame_length(*b"GET ").is_err());
        let failure = Reply::Failure(Failure {
            code: code::UNMET_REQUEST,
            message: "x".repeat(MAX_FRAME),
        });
        assert!(matches!(encode(&failure), Err(FrameError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = decode::<Request>(&bytes);
            let _ = decode::<Reply>(&bytes);
        }
    }
}
