//! Compiles the kubelet's pod-resources proto for the demo's kubelet stand-in.
//!
//! The proto is the device-bridge's, so that both ends of the demo speak the same one; protox needs no `protoc`.

use std::error::Error;

const FOLDER: &str = "../device-bridge/proto/podresources/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}/api.proto");
    let descriptors = protox::compile(["api.proto"], [FOLDER])?;
    tonic_prost_build::configure()
        .build_client(false)
        .compile_fds(descriptors)?;
    Ok(())
}
