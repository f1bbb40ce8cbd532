//! Futures that never wait, for tests.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The value of a future that is ready at once, as a store in memory is.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the store in memory never waits"),
    }
}
