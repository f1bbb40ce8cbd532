//! Owners of pods that are not offered a node for a while.

use std::sync::Arc;

use crate::moment::Moment;

/// An owner that is not offered the node.
#[derive(Clone, Debug)]
pub(super) struct Aside {
    /// Whoever makes a pod writes who owns it: another namespace is never concerned.
    pub(super) namespace: Arc<str>,
    /// The owner's UID.
    pub(super) owner: Arc<str>,
    pub(super) until: Moment,
}

/// The most owners of a node; questions look at each.
const MOST: usize = 64;

impl Aside {
    /// Whether it is about this owner.
    pub(super) fn is_of(&self, namespace: &str, owner: &str) -> bool {
        (&*self.namespace, &*self.owner) == (namespace, owner)
    }
}

/// Sets the node aside for another owner, or for the same one for longer. Of too many the one goes whose time ends first.
pub(super) fn set_aside(all: &mut Vec<Aside>, new: Aside) {
    if let Some(known) = all
        .iter_mut()
        .find(|known| known.is_of(&new.namespace, &new.owner))
    {
        known.until = new.until.max(known.until);
        return;
    }
    if all.len() >= MOST {
        let first = all.iter().enumerate().min_by_key(|(_, known)| known.until);
        if let Some(first) = first.map(|(at, _)| at) {
            all.swap_remove(first);
        }
    }
    all.push(new);
}
