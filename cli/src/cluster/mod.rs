//! A cluster as its API server tells of it: reached in bounded time, read kind by kind.
//!
//! What cannot be seen is a value, [`Unseen`], so that a kind that is forbidden or missing hides nothing of the others.

mod access;
pub(crate) mod kinds;
mod list;
mod objects;
mod unseen;

pub(crate) use self::{
    access::{Access, AllNamespaces, Cluster},
    kinds::Kind,
    list::{Listed, Scope, Selection},
    objects::{FilesArgs, Objects},
    unseen::{Cause, Unseen},
};
