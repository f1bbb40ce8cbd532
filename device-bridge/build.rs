//! Generates the messages, client and server of the kubelet's pod-resources API.
//!
//! protox compiles the proto in Rust, so that nobody needs `protoc` to build Polypod.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["podresources/v1/api.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
