//! Work in a task of its own, so that what comes to it all at once delays nobody else.

use tokio::task::JoinSet;
use tracing::error;

/// Does `work` in a task of its own, for as long as somebody waits here: who stops waiting ends it.
///
/// It returns when the work ends, by a panic too, of which it tells.
pub async fn apart(work: impl Future<Output = ()> + Send + 'static) {
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    if let Some(Err(error)) = tasks.join_next().await {
        error!(%error, "A task ended by a defect");
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::Arc, time::Duration};

    use super::*;

    #[tokio::test]
    async fn it_ends_with_the_work_and_the_work_ends_with_it() {
        apart(async {}).await;
        apart(async { panic!("a defect") }).await;
        let held = Arc::new(());
        let holder = Arc::clone(&held);
        let work = apart(async move {
            let _holder = holder;
            pending::<()>().await;
        });
        let short = Duration::from_millis(10);
        assert!(tokio::time::timeout(short, work).await.is_err());
        // The task is dropped by the runtime, at the next opportunity.
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
