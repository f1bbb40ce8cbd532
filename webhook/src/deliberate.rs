//! From a request to a decision, with what must be read from the API server first.
//!
//! What the watches have brought decides nearly always. A network or a claim that they have not, the labels of such a
//! namespace, and a permission that was not asked for lately, are read, and the decision is made again.

use std::time::Duration;

use admission::{Denial, Found, Policy, Unknown, View};
use tokio::time::Instant;

use crate::{
    asked::Asked,
    decide::{Decision, Undecided},
    hook::Hook,
    live::{self, Unread},
    live_namespace::{self, UnreadNamespace},
    permissions::Unanswered,
    review::Request,
    server::Webhook,
    traces::ReviewTrace,
};

/// How long one review may wait for the API server altogether. API servers wait ten seconds for a webhook, or less.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// Decides about `request`.
///
/// # Errors
/// There is no decision, or what it needs could not be read in time.
pub async fn deliberate<E>(
    hook: Hook,
    webhook: &Webhook,
    request: &Request<'_>,
    policy: &Policy,
    trace: &mut ReviewTrace<'_>,
) -> Result<Decision, E>
where
    E: From<Undecided> + From<Unread> + From<UnreadNamespace> + From<Unanswered>,
{
    let Webhook {
        store,
        configured,
        permissions,
        api_server,
        ..
    } = webhook;
    permissions.forget(store);
    let asked = Asked::read(hook, request, policy, configured.awaited().is_none())?;
    trace.parsed(hook, request, &asked);
    let until = Instant::now() + PATIENCE;
    let mut found = Found::default();
    let mut is_read = api_server.is_none();
    loop {
        let deciding = trace.stage("decide");
        let (judgement, unknown) = store.read(|cluster| {
            let view = cluster.map(|cluster| View::with(cluster, &found));
            let judgement = asked.judge(view, policy)?;
            let unknown = match view {
                Some(view) if !is_read => asked.unknown(&judgement, view, policy),
                _ => Unknown::default(),
            };
            Ok::<_, Undecided>((judgement, unknown))
        })?;
        drop(deciding);
        if let Err(denial) = &judgement
            && trace
                .lookup(live_namespace::read(api_server.as_ref(), store, denial))
                .await?
        {
            continue;
        }
        if let (Some(client), false) = (api_server, unknown.is_empty()) {
            is_read = true;
            let _lookup = trace.stage("lookup");
            if live::read(client, &unknown, until, &mut found).await? {
                continue;
            }
        }
        let questions: Vec<_> = judgement
            .as_ref()
            .err()
            .into_iter()
            .flat_map(Denial::questions)
            .map(|(question, can_do_without)| (question.clone(), can_do_without))
            .collect();
        if questions.is_empty() {
            return Ok(asked.conclude(judgement, trace.span().as_ref())?);
        }
        // No question is asked twice: what was answered stands beside the store, however soon that forgets it.
        let _lookup = trace.stage("lookup");
        let answers = permissions.ask(api_server.as_ref(), store, questions, until);
        for (question, answer) in answers.await? {
            found.permissions.insert(question, answer);
        }
    }
}

#[cfg(test)]
mod tests;
