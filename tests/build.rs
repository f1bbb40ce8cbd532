//! Generates the messages, client and server of the kubelet's device plugin API, for the tests' device plugin.
//!
//! protox compiles the proto in Rust, so that nobody needs `protoc` to run the tests.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(["deviceplugin/v1beta1/api.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
