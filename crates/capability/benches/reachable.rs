//! `reachable` with 2,000 privileged executables, in the three shapes that images have.

use dropcap_capability::*;

fn main() {
    divan::main();
}

const FILES: u64 = 2_000;

fn sandbox() -> Credentials {
    Credentials::unprivileged(1000, CapabilitySet::KNOWN)
}

fn file(index: u64, mode: u32, capabilities: Option<u64>) -> Executable {
    let file_capabilities = capabilities.map(|bits| FileCapabilities {
        permitted: CapabilitySet::from_bits(bits) & CapabilitySet::KNOWN,
        inheritable: CapabilitySet::EMPTY,
        effective: true,
        revision: Revision::Two,
    });
    Executable { mode, file_capabilities, ..Executable::plain(format!("/usr/bin/{index}")) }
}

fn run(bencher: divan::Bencher<'_, '_>, files: Vec<Executable>) {
    let (start, environment) = (sandbox(), Environment::default());
    bencher.bench(|| reachable(divan::black_box(&start), divan::black_box(&files), &environment));
}

#[divan::bench]
fn setuid_root(bencher: divan::Bencher<'_, '_>) {
    run(bencher, (0..FILES).map(|index| file(index, 0o4755, None)).collect());
}

#[divan::bench]
fn each_with_file_capabilities_of_its_own(bencher: divan::Bencher<'_, '_>) {
    let bits = |index: u64| (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    run(bencher, (0..FILES).map(|index| file(index, 0o755, Some(bits(index)))).collect());
}

#[divan::bench]
fn setgid_and_a_few_of_each(bencher: divan::Bencher<'_, '_>) {
    let one = |index: u64| match index % 100 {
        0 => file(index, 0o755, Some(1 << (index / 100 % 41))),
        1 => file(index, 0o4750, None),
        _ => file(index, 0o2755, None),
    };
    run(bencher, (0..FILES).map(one).collect());
}
