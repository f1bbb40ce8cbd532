//! The bodies of reviews, read whole, within a bound on what all of them take together.
//!
//! Whoever can reach the port can announce large bodies and never end them. The beginning of each is read whatever the
//! others take, as the number of connections bounds it: most reviews are no longer, and never wait for larger ones.

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The largest body that is read. API servers take objects of 3 MiB, and a review of a change holds two of them.
pub const BODY_LIMIT: usize = 8 << 20;

/// What bodies may take.
#[derive(Clone, Debug)]
pub struct Room {
    /// Bytes that may still be taken, beyond the beginnings.
    left: Arc<Semaphore>,
    beginning: usize,
    patience: Duration,
    limit: usize,
}

/// A body, and its share of the room until it is dropped.
#[derive(Debug, Default)]
pub struct Whole {
    bytes: Vec<u8>,
    /// Where it came in one piece, which need not be copied.
    piece: Bytes,
    /// How long it said that it is. It has a share for that.
    announced: usize,
    share: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Larger than is read.
    #[error("the request's body is larger than {} MiB, which is the limit of this webhook", limit >> 20)]
    TooLarge {
        /// What is read, in bytes.
        limit: usize,
    },
    /// Others take all there is.
    #[error("there is no room for the request's body beside those of other requests; ask again")]
    NoRoom,
    /// It did not come whole.
    #[error("reading the request's body: {0}")]
    Broken(#[from] axum::Error),
}

impl Default for Room {
    /// Eight of the largest bodies at once, beyond beginnings that most reviews fit in.
    fn default() -> Self {
        Self::new(8 * BODY_LIMIT, 32 << 10, Duration::from_secs(2))
    }
}

impl Room {
    /// Room for `bytes` in all bodies together, beyond the `beginning` of each; how long one waits for its share.
    #[must_use]
    pub fn new(bytes: usize, beginning: usize, patience: Duration) -> Self {
        Self {
            left: Arc::new(Semaphore::new(bytes)),
            beginning,
            patience,
            limit: BODY_LIMIT,
        }
    }

    /// The same for bodies of up to `limit` bytes, instead of [`BODY_LIMIT`].
    #[must_use]
    pub const fn up_to(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Reads a body to its end. Its share is taken at once where it says how long it is, and else as it grows: of many
    /// large ones some are read whole, instead of all in part.
    ///
    /// # Errors
    /// It is too large, finds no room, or does not come whole.
    pub async fn read(&self, mut body: Body) -> Result<Whole, BodyError> {
        let read = self.fill(&mut body).await;
        if let Err(BodyError::TooLarge { .. } | BodyError::NoRoom) = read {
            // Who still writes when the connection is closed would not hear why.
            let _too_slow_or_not = timeout(self.patience, pass_over(&mut body, self.limit)).await;
        }
        read
    }

    async fn fill(&self, body: &mut Body) -> Result<Whole, BodyError> {
        let mut whole = Whole::default();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        self.share(&mut whole, announced).await?;
        whole.announced = announced;
        while let Some(frame) = body.frame().await {
            // Trailers tell nothing.
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            let length = whole.as_ref().len() + data.len();
            self.share(&mut whole, length).await?;
            whole.add(data);
        }
        Ok(whole)
    }

    /// Sees to it that `whole` has a share for `length` bytes.
    async fn share(&self, whole: &mut Whole, length: usize) -> Result<(), BodyError> {
        let too_large = BodyError::TooLarge { limit: self.limit };
        if length > self.limit {
            return Err(too_large);
        }
        let has = whole
            .share
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let more = length.saturating_sub(self.beginning).saturating_sub(has);
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| too_large)?;
        let share = timeout(
            self.patience,
            Arc::clone(&self.left).acquire_many_owned(more),
        );
        // It is never closed: what fails is the patience.
        let Ok(Ok(share)) = share.await else {
            return Err(BodyError::NoRoom);
        };
        match &mut whole.share {
            Some(all) => all.merge(share),
            none => *none = Some(share),
        }
        Ok(())
    }
}

/// Reads on without keeping anything, as far as is worth it.
async fn pass_over(body: &mut Body, limit: usize) {
    let mut passed = 0;
    while let Some(Ok(frame)) = body.frame().await {
        passed += frame.data_ref().map_or(0, Bytes::len);
        if passed > 2 * limit {
            break;
        }
    }
}

impl Whole {
    fn add(&mut self, data: Bytes) {
        if self.bytes.is_empty() && self.piece.is_empty() {
            self.piece = data;
            return;
        }
        if self.bytes.is_empty() {
            self.bytes.reserve_exact(self.announced);
        }
        self.bytes
            .extend_from_slice(&std::mem::take(&mut self.piece));
        self.bytes.extend_from_slice(&data);
    }
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        if self.bytes.is_empty() {
            &self.piece
        } else {
            &self.bytes
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures::{StreamExt, stream};

    use super::*;

    fn room(patience: Duration) -> Room {
        Room::new(1000, 100, patience)
    }

    /// A body of such pieces that does not say its length; it ends, or never does.
    fn body(pieces: &[usize], ends: bool) -> Body {
        let pieces: Vec<Result<Vec<u8>, io::Error>> = pieces
            .iter()
            .map(|length| Ok(vec![b'x'; *length]))
            .collect();
        let pieces = stream::iter(pieces);
        if ends {
            Body::from_stream(pieces)
        } else {
            Body::from_stream(pieces.chain(stream::pending()))
        }
    }

    #[tokio::test]
    async fn small_ones_are_read_whatever_stalls() {
        let room = room(Duration::from_millis(20));
        let stalled = tokio::spawn({
            let room = room.clone();
            async move { room.read(body(&[600, 500], false)).await }
        });
        while room.left.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        for small in [Body::from(vec![b'x'; 100]), body(&[1, 98, 1], true)] {
            assert_eq!(room.read(small).await.unwrap().as_ref(), [b'x'; 100]);
        }
        for large in [Body::from(vec![b'x'; 101]), body(&[50, 51], true)] {
            let error = room.read(large).await.unwrap_err();
            assert!(matches!(error, BodyError::NoRoom), "{error}");
        }
        stalled.abort();
        assert!(stalled.await.is_err());
        assert_eq!(room.left.available_permits(), 1000, "given back");
    }

    #[tokio::test]
    async fn one_waits_for_its_share_and_keeps_it() {
        let room = room(Duration::from_secs(60));
        let first = room.read(Body::from(vec![b'x'; 1100])).await.unwrap();
        assert_eq!(room.left.available_permits(), 0);
        let second = tokio::spawn({
            let room = room.clone();
            async move { room.read(body(&[100, 100], true)).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!second.is_finished());
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert_eq!(second.as_ref().len(), 200);
        assert_eq!(room.left.available_permits(), 900);
    }

    #[tokio::test]
    async fn what_is_too_large_is_read_and_not_kept() {
        let announced = Body::from(vec![0; BODY_LIMIT + 1]);
        let grown = body(&[BODY_LIMIT, 1, 1000], true);
        for mut large in [announced, grown] {
            let room = room(Duration::from_millis(20));
            let room = Room::new(BODY_LIMIT, room.beginning, room.patience);
            let error = room.fill(&mut large).await.unwrap_err();
            assert!(matches!(error, BodyError::TooLarge { .. }), "{error}");
            pass_over(&mut large, BODY_LIMIT).await;
            assert!(large.frame().await.is_none(), "its sender can finish");
        }
        let endless = body(&[BODY_LIMIT, 1], false);
        let room = Room::new(BODY_LIMIT, 0, Duration::from_millis(20));
        let error = room.read(endless).await.unwrap_err();
        assert!(matches!(error, BodyError::TooLarge { .. }), "{error}");
        let largest = body(&[BODY_LIMIT - 1, 1], true);
        let largest = Room::default().read(largest).await.unwrap();
        assert_eq!(largest.as_ref().len(), BODY_LIMIT);
    }
}
