//! The webhook's own certificate authority: CA, server certificate, rotation schedule and hot reload.
//!
//! The API server calls a webhook only over HTTPS and only with a CA it was told about, so a webhook
//! that depends on somebody else's certificates is down whenever they are.
//! Everything here is bytes in, rustls configurations out:
//!
//! * [`authority`] makes a CA and issues a [`leaf`] for some [`names`];
//! * [`ca_bundle`] says whether a leaf would be accepted by a client that trusts those CAs;
//! * [`rotation`] says when to make the next one;
//! * [`reload`] serves a leaf and replaces it without dropping a connection;
//! * [`tls`] turns both ends into rustls configurations;
//! * [`store`] is the one trait through which Kubernetes enters.
//!
//! Invariants: no function here reads the clock (TLS handshakes excepted, where rustls does),
//! opens a file or a socket, or installs a process-wide crypto provider;
//! a private key appears in no error and in no `Debug` output.

pub mod authority;
pub mod ca_bundle;
pub mod error;
#[cfg(test)]
mod handshake;
pub mod leaf;
pub mod names;
mod pem;
pub mod reload;
pub mod rotation;
pub mod store;
pub mod tls;
pub mod validity;
