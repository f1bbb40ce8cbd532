//! The kubelet's pod-resources messages and service, generated from the device-bridge's proto.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    rustdoc::all,
    reason = "generated"
)]

tonic::include_proto!("v1");
