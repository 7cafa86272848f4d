//! Where `dropcap` begins; see `docs/decisions/entry-point.md`.

include!("../confine/src/early/link.rs");

fn main() {
    begin_early("bins");
}
