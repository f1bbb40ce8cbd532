//! Frames over a connection. What a frame is, [`spec::bridge`] says.

use std::io;

use spec::{
    bridge::{Failure, FrameError, HEADER, Reply, encode, frame_length},
    cni::code,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Why no request could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The other side ended within a frame.
    #[error("the frame ended after {found} of {wanted} bytes")]
    Ended {
        /// Bytes that came.
        found: usize,
        /// Bytes that were announced.
        wanted: usize,
    },
    /// No frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The connection failed.
    #[error("reading the frame failed: {0}")]
    Io(#[from] io::Error),
}

impl From<&ReadError> for Failure {
    fn from(error: &ReadError) -> Self {
        let code = match error {
            ReadError::Ended { .. } | ReadError::Frame(_) => code::UNDECODABLE,
            ReadError::Io(_) => code::IO_FAILURE,
        };
        Self {
            code,
            message: format!("polypod-device-bridge does not understand the request: {error}"),
        }
    }
}

/// Reads how many bytes of JSON the next frame has; `None` where the other side has ended before it.
///
/// # Errors
/// There is something, but no header of a frame.
pub(crate) async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<usize>, ReadError> {
    let mut header = Vec::with_capacity(HEADER);
    fill(stream, HEADER, &mut header).await?;
    if header.is_empty() {
        return Ok(None);
    }
    let header: [u8; HEADER] = header
        .try_into()
        .map_err(|found: Vec<u8>| ReadError::Ended {
            found: found.len(),
            wanted: HEADER,
        })?;
    Ok(Some(frame_length(header)?))
}

/// Reads the JSON that a header has announced.
///
/// # Errors
/// It ends before.
pub(crate) async fn read_json(
    stream: &mut (impl AsyncRead + Unpin),
    wanted: usize,
) -> Result<Vec<u8>, ReadError> {
    // Memory grows with what arrives, not with what the header announces.
    let mut json = Vec::new();
    fill(stream, wanted, &mut json).await?;
    if json.len() < wanted {
        return Err(ReadError::Ended {
            found: json.len(),
            wanted,
        });
    }
    Ok(json)
}

async fn fill(
    stream: &mut (impl AsyncRead + Unpin),
    length: usize,
    into: &mut Vec<u8>,
) -> io::Result<()> {
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    stream.take(limit).read_to_end(into).await.map(drop)
}

/// Writes a reply.
///
/// # Errors
/// The connection failed.
pub(crate) async fn write_reply(
    stream: &mut (impl AsyncWrite + Unpin),
    reply: &Reply,
) -> io::Result<()> {
    stream.write_all(&reply_frame(reply)).await?;
    stream.flush().await
}

/// A reply as a frame. One that does not fit into any becomes a failure that says so.
pub(crate) fn reply_frame(reply: &Reply) -> Vec<u8> {
    encode(reply).unwrap_or_else(|error| {
        let failure = Reply::Failure(Failure {
            code: code::UNMET_REQUEST,
            message: format!("the answer cannot be given: {error}; select fewer networks"),
        });
        encode(&failure).expect("a sentence is shorter than the longest frame")
    })
}

#[cfg(test)]
mod tests {
    use spec::bridge::{MAX_FRAME, decode};

    use super::*;

    async fn read(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        match read_header(&mut bytes).await? {
            Some(wanted) => read_json(&mut bytes, wanted).await.map(Some),
            None => Ok(None),
        }
    }

    #[tokio::test]
    async fn whole_and_broken_frames() {
        assert_eq!(read(b"").await.unwrap(), None);
        assert_eq!(read(b"\0\0\0\x02{}rest").await.unwrap().unwrap(), b"{}");
        for (bytes, wanted) in [
            (&b"\0\0"[..], "after 2 of 4 bytes"),
            (b"\0\0\0\x05{}", "after 2 of 5 bytes"),
            (b"\xff\xff\xff\xff", "more than the"),
        ] {
            let error = read(bytes).await.unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
            assert_eq!(Failure::from(&error).code, code::UNDECODABLE);
        }
    }

    #[test]
    fn an_answer_too_long_is_a_failure() {
        let long = Reply::Failure(Failure {
            code: 1,
            message: "x".repeat(MAX_FRAME),
        });
        let frame = reply_frame(&long);
        let Reply::Failure(failure) = decode(&frame[HEADER..]).unwrap() else {
            panic!("no failure");
        };
        assert!(failure.message.contains("cannot be given"), "{failure}");
    }
}
