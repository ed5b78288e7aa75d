//! `cargo +nightly fuzz run json`: the reader and the writer of JSON against serde_json.
//! The module is compiled into this crate, which is possible because it imports no other module of watchbell.

#![no_main]

#[path = "../check.rs"]
mod check;
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../../src/json/mod.rs"]
mod json;

libfuzzer_sys::fuzz_target!(|text: &[u8]| check::check(text));
