//! Who may use which network: asked of the API server once, and remembered for a while.
//!
//! Answers stand in the store, where decisions look; here is how they come there and when they go. A pod whose answers are
//! known costs no call.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use admission::permissions::{UseAnswer, UseQuestion, VERB};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::{
    Resource,
    api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout_at},
};
use tracing::{debug, warn};

use crate::{deliberate::PATIENCE, store::Store};

/// How many questions of one review are asked at a time.
const TOGETHER: usize = 16;

/// How many answers are remembered. Beyond that those go that would go first.
const MOST: usize = 4096;

/// How long a permission is remembered, and a revocation may take to be noticed.
const ALLOWED: Duration = Duration::from_secs(60);

/// The same for a refusal: whoever is granted a permission tries again at once.
const REFUSED: Duration = Duration::from_secs(5);

/// How long the API server is not asked again where a rule that is not enforced did without its answer.
const UNANSWERED: Duration = Duration::from_secs(5);

/// When the answers in the store go, and what is being asked.
#[derive(Debug, Default)]
pub struct Permissions {
    expiries: Mutex<Expiries>,
    asking: Mutex<HashMap<UseQuestion, Arc<OnceCell<UseAnswer>>>>,
}

#[derive(Debug, Default)]
struct Expiries {
    by_time: BTreeSet<(Instant, Arc<UseQuestion>)>,
    by_question: BTreeMap<Arc<UseQuestion>, Instant>,
}

/// The API server did not say whether a service account may use a network.
#[derive(Debug, thiserror::Error)]
#[error("asking the API server whether {} may use NetworkAttachmentDefinition {}: {problem}; try again", .question.user(), .question.network)]
pub struct Unanswered {
    question: Box<UseQuestion>,
    problem: String,
}

impl Permissions {
    /// Takes answers out of the store that are too old.
    pub fn forget(&self, store: &Store) {
        let mut expiries = lock(&self.expiries);
        let gone = expiries.expired(Instant::now());
        if !gone.is_empty() {
            store.permissions(|known| gone.iter().for_each(|question| known.remove(question)));
        }
    }

    /// Asks what a decision left open, all of it before `until`, and gives the answers back; later decisions find them in
    /// the store. With each question stands whether the decision can do without its answer.
    ///
    /// # Errors
    /// One was not answered in time that the decision cannot do without.
    pub async fn ask(
        &self,
        client: Option<&Client>,
        store: &Store,
        questions: Vec<(UseQuestion, bool)>,
        until: Instant,
    ) -> Result<Vec<(UseQuestion, UseAnswer)>, Unanswered> {
        stream::iter(questions)
            .map(|(question, can_do_without)| {
                self.settle(client, store, question, can_do_without, until)
            })
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await
    }

    async fn settle(
        &self,
        client: Option<&Client>,
        store: &Store,
        question: UseQuestion,
        can_do_without: bool,
        until: Instant,
    ) -> Result<(UseQuestion, UseAnswer), Unanswered> {
        let problem = match self.answered(client, store, &question, until).await {
            Ok(answer) => return Ok((question, answer)),
            Err(problem) => problem,
        };
        if can_do_without {
            warn!(
                problem,
                "Whether a network may be used was not answered; the rule is not enforced, so the pod is let in"
            );
            self.note(store, &question, UseAnswer::Unanswered);
            return Ok((question, UseAnswer::Unanswered));
        }
        Err(Unanswered {
            question: Box::new(question),
            problem,
        })
    }

    /// The answer. Reviews that ask the same at the same time are one call.
    async fn answered(
        &self,
        client: Option<&Client>,
        store: &Store,
        question: &UseQuestion,
        until: Instant,
    ) -> Result<UseAnswer, String> {
        let client = client.ok_or("there is no API server to ask")?;
        let asking = Asking::begin(self, question);
        let call = asking.cell.get_or_try_init(|| async {
            let answer = review(client, question).await?;
            self.note(store, question, answer);
            Ok(answer)
        });
        timeout_at(until, call)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
            .copied()
    }

    fn note(&self, store: &Store, question: &UseQuestion, answer: UseAnswer) {
        debug!(
            user = question.user(),
            network = %question.network,
            ?answer,
            "Use of a network"
        );
        let age = match answer {
            UseAnswer::Allowed => ALLOWED,
            UseAnswer::Refused => REFUSED,
            UseAnswer::Unanswered => UNANSWERED,
        };
        // Both under the first lock, so that no answer is in the store that nothing takes out again.
        let mut expiries = lock(&self.expiries);
        let gone = expiries.insert(question, Instant::now() + age);
        store.permissions(|known| {
            known.insert(question.clone(), answer);
            gone.iter().for_each(|question| known.remove(question));
        });
    }
}

impl Expiries {
    /// Takes those out whose time has come.
    fn expired(&mut self, now: Instant) -> Vec<Arc<UseQuestion>> {
        let mut gone = Vec::new();
        while self.by_time.first().is_some_and(|(time, _)| *time <= now) {
            gone.extend(self.pop());
        }
        gone
    }

    /// Notes when an answer goes, and takes out what is too much.
    fn insert(&mut self, question: &UseQuestion, time: Instant) -> Option<Arc<UseQuestion>> {
        let question = Arc::new(question.clone());
        if let Some(old) = self.by_question.insert(Arc::clone(&question), time) {
            self.by_time.remove(&(old, Arc::clone(&question)));
        }
        let gone = (self.by_time.len() >= MOST).then(|| self.pop()).flatten();
        self.by_time.insert((time, question));
        gone
    }

    fn pop(&mut self) -> Option<Arc<UseQuestion>> {
        let (_, question) = self.by_time.pop_first()?;
        self.by_question.remove(&question);
        Some(question)
    }
}

/// A call that several may wait for; the last one to leave takes it out of the list, answered or not.
struct Asking<'a> {
    permissions: &'a Permissions,
    question: &'a UseQuestion,
    cell: Arc<OnceCell<UseAnswer>>,
}

impl<'a> Asking<'a> {
    fn begin(permissions: &'a Permissions, question: &'a UseQuestion) -> Self {
        let mut asking = lock(&permissions.asking);
        let cell = Arc::clone(asking.entry(question.clone()).or_default());
        Self {
            permissions,
            question,
            cell,
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut asking = lock(&self.permissions.asking);
        let is_this = |cell: &Arc<_>| Arc::ptr_eq(cell, &self.cell);
        // An answer is not kept here: the next one who asks is to hear what is true then.
        let is_done = self.cell.initialized() || Arc::strong_count(&self.cell) <= 2;
        if is_done && asking.get(self.question).is_some_and(is_this) {
            asking.remove(self.question);
        }
    }
}

/// One call: may the service account do so, whatever the webhook's own account may?
async fn review(client: &Client, question: &UseQuestion) -> Result<UseAnswer, String> {
    use api::network_attachment_definition::NetworkAttachmentDefinition as Definition;
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let asked = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(question.user()),
            groups: Some(question.groups().to_vec()),
            resource_attributes: Some(ResourceAttributes {
                group: Some(Definition::GROUP.to_owned()),
                resource: Some(Definition::URL_PATH_SEGMENT.to_owned()),
                verb: Some(VERB.to_owned()),
                version: Some(Definition::VERSION.to_owned()),
                namespace: Some(question.network.namespace.to_string()),
                name: Some(question.network.name.to_string()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let answered =
        api.create(&PostParams::default(), &asked)
            .await
            .map_err(|error| match error {
                kube::Error::Api(status) => format!(
                    "the API server answered {}: {}",
                    status.code, status.message
                ),
                other => other.to_string(),
            })?;
    match answered.status {
        None => Err("the answer has no status".to_owned()),
        Some(status) if status.allowed => Ok(UseAnswer::Allowed),
        // What could not be evaluated grants nothing, as when the API server itself is asked for the object.
        Some(_) => Ok(UseAnswer::Refused),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves what is held whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
