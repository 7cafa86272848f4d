//! The example `early` begins before the C library does, as the binary does.

include!("src/early/link.rs");

fn main() {
    begin_early("examples");
}
