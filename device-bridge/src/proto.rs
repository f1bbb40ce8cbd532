//! The kubelet's pod-resources API, generated from `proto/podresources/v1/api.proto` by `build.rs`.
//!
//! The server is here as well, because a test that stands in for a kubelet must speak exactly this.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::doc_markdown,
    rustdoc::invalid_html_tags,
    reason = "generated code; the proto is documented"
)]

tonic::include_proto!("v1");
