#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| polypod_fuzz::target::network_configuration(data));
