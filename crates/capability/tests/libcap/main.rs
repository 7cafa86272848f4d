//! The text forms against libcap's own: `cap_from_text`, `cap_iab_from_text` and `capsh --decode`, on
//! random texts, right and wrong ones.
#![cfg(target_os = "linux")]

mod peer;
mod texts;

use dropcap_capability::{CapabilitySet, CapabilityState, Iab};
use dropcap_testkit::random::{Random, SEED, seed};
use peer::Peer;

/// How many texts of each form.
const TEXTS: usize = 10_000;
/// At least so many have to be right, and so many wrong: else the texts show nothing.
const EACH_KIND: usize = TEXTS / 10;

/// Draws texts, has both read them, and compares.
///
/// `ours` is what the model says to a text, in the form of the peer's lines, where the kernel has
/// the capabilities that it is given; `None` where the text is wrong.
fn compare(
    form: &str,
    draw: impl Fn(&mut Random) -> String,
    ours: impl Fn(&str, CapabilitySet) -> Option<String>,
) {
    let seed = seed();
    let mut random = Random::new(seed);
    let texts: Vec<String> = (0..TEXTS).map(|_| draw(&mut random)).collect();
    let (all, theirs) = Peer::build().read(form, &texts);
    assert_eq!(theirs.len(), texts.len());
    let mut right = 0;
    for (text, theirs) in texts.iter().zip(&theirs) {
        let ours = ours(text, all);
        right += usize::from(ours.is_some());
        let ours = ours.as_deref().unwrap_or("-");
        assert_eq!(ours, theirs, "{text:?} as {form}, ours first ({SEED}={seed})");
    }
    let enough = EACH_KIND..=TEXTS - EACH_KIND;
    assert!(enough.contains(&right), "{right} of {TEXTS} texts are right ({SEED}={seed})");
}

#[test]
fn sets_with_flags() {
    compare("state", texts::state, |text, all| {
        let state = CapabilityState::from_text(text, all).ok()?;
        let CapabilityState { effective, inheritable, permitted } = state;
        Some(format!("{effective:x} {inheritable:x} {permitted:x} {}", state.to_text(all)))
    });
}

#[test]
fn inheritable_ambient_bound() {
    compare("iab", texts::iab, |text, all| {
        let read: Iab = text.parse().ok()?;
        // libcap neither tells nor writes what the kernel does not have.
        let iab = Iab::new(read.inheritable() & all, read.ambient() & all, read.blocked() & all);
        let (i, a, b) = (iab.inheritable(), iab.ambient(), iab.blocked());
        Some(format!("{i:x} {a:x} {b:x} {iab}"))
    });
}

#[test]
fn masks() {
    compare("mask", texts::mask, |text, _| {
        CapabilitySet::from_hex(text).ok().map(|set| format!("{set:x}"))
    });
}

#[test]
fn masks_as_capsh_decodes_them() {
    let seed = seed();
    let mut random = Random::new(seed);
    let texts = std::iter::repeat_with(|| texts::mask(&mut random));
    let right = texts.filter_map(|text| Some((CapabilitySet::from_hex(&text).ok()?, text)));
    let (sets, texts): (Vec<CapabilitySet>, Vec<String>) = right.take(TEXTS).unzip();
    let decoded = peer::capsh_decode(&texts);
    assert_eq!(decoded.len(), texts.len());
    for ((set, text), theirs) in sets.iter().zip(&texts).zip(&decoded) {
        let names = if set.is_empty() { String::new() } else { set.to_string().to_lowercase() };
        assert_eq!(&format!("{set:#018x}={names}"), theirs, "{text:?} ({SEED}={seed})");
    }
}
