#![no_main]

#[path = "../src/sip_agent.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
