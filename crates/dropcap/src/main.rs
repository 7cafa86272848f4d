//! Part of dropcap.
fn main() {}
