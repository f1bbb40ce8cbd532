//! What an object is once it is printed, without printing it into memory: whether it is another one than before, and how
//! long it is.

use std::{
    hash::Hasher as _,
    io::{self, Write},
};

use serde::Serialize;
use twox_hash::XxHash64;

/// The hash and the length of a printed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) hash: u64,
    /// Bytes.
    pub(super) length: usize,
}

impl Digest {
    /// Of an object.
    pub(super) fn of(object: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut sink = Sink {
            hash: XxHash64::with_seed(0),
            length: 0,
        };
        serde_json::to_writer(&mut sink, object)?;
        Ok(Self {
            hash: sink.hash.finish(),
            length: sink.length,
        })
    }
}

struct Sink {
    hash: XxHash64,
    length: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.write(bytes);
        self.length += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_text() {
        let of = |object: &[&str]| Digest::of(&object).unwrap();
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]).hash, of(&["b", "a"]).hash);
        assert_eq!(of(&["a", "b"]).length, r#"["a","b"]"#.len());
    }
}
