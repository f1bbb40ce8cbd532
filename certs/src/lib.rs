//! The webhook's own certificate authority: CA, server certificate, rotation schedule and hot reload.
//!
//! The API server calls a webhook only over HTTPS and only with a CA it was told about, so a webhook
//! that depends on somebody else's certificates is down whenever they are.
//! Everything here is bytes in, rustls configurations out:
//!
//! * [`authority`] makes a CA and issues a [`leaf`] for some [`names`];
//! * [`ca_bundle`] says whether a leaf would be accepted by a client that trusts those CAs;
//! * [`state`] reads what is stored, [`rotation`] says what to do about it next, [`carry_out`] does it;
//! * [`lookout`] remembers since when something has been so, which [`rotation`] asks for;
//! * [`tend`] is one round of these three over a [`store`], and [`schedule`] the times they keep;
//! * [`foreign`] is a certificate that somebody else issues;
//! * [`client_ca`] says who a client is;
//! * [`reload`] serves a leaf and replaces it without dropping a connection;
//! * [`tls`] turns both ends into rustls configurations;
//! * [`store`] is the one trait through which Kubernetes enters; [`memory`] is one without it.
//!
//! Invariants: no function here reads the clock (TLS handshakes excepted, where rustls does),
//! opens a file or a socket, or installs a process-wide crypto provider;
//! a private key appears in no error and in no `Debug` output.

#[cfg(test)]
mod at_once;
pub mod authority;
pub mod ca_bundle;
pub mod carry_out;
pub mod client_ca;
pub mod due;
pub mod error;
pub mod foreign;
#[cfg(test)]
mod handshake;
pub mod leaf;
pub mod lookout;
pub mod memory;
pub mod names;
mod pem;
pub mod reload;
pub mod rotation;
pub mod schedule;
pub mod state;
pub mod store;
pub mod tend;
pub mod tls;
pub mod validity;
