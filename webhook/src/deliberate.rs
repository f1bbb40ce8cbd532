//! From a request to a decision, with what must be read from the API server first.
//!
//! What the watches have brought decides nearly always. A network that they have not, the labels of such a namespace, and
//! a permission that was not asked for lately, are read, and the decision is made again.

use admission::Policy;
use api::network::Network;

use crate::{
    decide::{Decision, Undecided, decide},
    hook::Hook,
    live::{self, Unread},
    live_namespace::{self, UnreadNamespace},
    permissions::Unanswered,
    review::Request,
    server::Webhook,
};

/// Decides about `request`.
///
/// # Errors
/// There is no decision, or what it needs could not be read in time.
pub async fn deliberate<E>(
    hook: Hook,
    webhook: &Webhook,
    request: &Request<'_>,
    policy: &Policy,
) -> Result<Decision, E>
where
    E: From<Undecided> + From<Unread> + From<UnreadNamespace> + From<Unanswered>,
{
    let Webhook {
        store,
        permissions,
        api_server,
        ..
    } = webhook;
    permissions.forget(store);
    let mut found: Option<Vec<Network>> = None;
    loop {
        let decision = match &found {
            Some(networks) if !networks.is_empty() => store
                .read_with(networks.clone(), |cluster| {
                    decide(hook, request, cluster, policy)
                }),
            _ => store.read(|cluster| decide(hook, request, cluster, policy)),
        }?;
        let Decision::Denied(denial) = &decision else {
            return Ok(decision);
        };
        if live_namespace::read(api_server.as_ref(), store, denial).await? {
            continue;
        }
        let missing = live::missing(denial);
        if let (Some(client), None, false) = (api_server, &found, missing.is_empty()) {
            let networks = live::read(client, &missing).await?;
            let is_new = !networks.is_empty();
            found = Some(networks);
            if is_new {
                continue;
            }
        }
        let questions: Vec<_> = denial
            .questions()
            .map(|(question, can_do_without)| (question.clone(), can_do_without))
            .collect();
        if questions.is_empty() {
            return Ok(decision);
        }
        // Each round has fewer questions, and all together have the time that the API server gives.
        permissions
            .ask(api_server.as_ref(), store, questions)
            .await?;
    }
}
