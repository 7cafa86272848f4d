//! Theorems about the model, as properties of random states.

mod common;

use common::{credentials, environment, executables, set};
use dropcap_capability::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// A state in which uid 0 is special and execve may give.
fn open(start: Credentials) -> Credentials {
    let securebits = start.securebits.difference(Securebits::NOROOT);
    Credentials { securebits, no_new_privs: false, ..start }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_new_privs_means_that_reachable_is_permitted(
        start in credentials(), files in executables(), environment in environment(),
    ) {
        let start = prctl::set_no_new_privs(&start);
        prop_assert_eq!(reachable(&start, &files, &environment).set, start.permitted);
    }

    #[test]
    fn nothing_comes_from_outside_permitted_bounding_and_inheritable(
        start in credentials(), files in executables(), environment in environment(),
    ) {
        let most = start.permitted | start.bounding | start.inheritable;
        prop_assert!(reachable(&start, &files, &environment).set.is_subset(most));
    }

    #[test]
    fn what_is_permitted_is_reachable(start in credentials(), environment in environment()) {
        prop_assert!(start.permitted.is_subset(reachable(&start, &[], &environment).set));
    }

    #[test]
    fn setuid_reaches_the_bounding_set(start in credentials(), environment in environment()) {
        let permitted = start.permitted.with(Capability::SETUID);
        let start = open(Credentials { permitted, ..start });
        prop_assert!(start.bounding.is_subset(reachable(&start, &[], &environment).set));
    }

    #[test]
    fn uid_0_reaches_the_bounding_set_even_with_permitted_empty(
        start in credentials(), field in 0..3, environment in environment(),
    ) {
        let nothing = CapabilitySet::EMPTY;
        let mut start = open(Credentials {
            permitted: nothing, effective: nothing, ambient: nothing, ..start
        });
        match field {
            0 => start.uid.real = 0,
            1 => start.uid.effective = 0,
            _ => start.uid.saved = 0,
        }
        prop_assert!(start.bounding.is_subset(reachable(&start, &[], &environment).set));
    }

    #[test]
    fn more_executables_reach_no_less(
        start in credentials(), files in executables(), environment in environment(),
    ) {
        let fewer = reachable(&start, &files[..files.len() / 2], &environment).set;
        prop_assert!(fewer.is_subset(reachable(&start, &files, &environment).set));
    }

    #[test]
    fn a_smaller_bounding_set_reaches_no_more(
        start in credentials(), mask in set(), files in executables(), environment in environment(),
    ) {
        let smaller = Credentials { bounding: start.bounding & mask, ..start.clone() };
        let less = reachable(&smaller, &files, &environment).set;
        prop_assert!(less.is_subset(reachable(&start, &files, &environment).set));
    }

    #[test]
    fn every_witness_replays(
        start in credentials(), files in executables(), environment in environment(),
    ) {
        let found = reachable(&start, &files, &environment);
        let plain = Executable::plain(ANY_PROGRAM);
        let find = |path: &str| std::iter::once(&plain).chain(&files).find(|file| file.path == path);
        for capability in found.set.iter() {
            let chain = found.witness(capability).expect("each reachable one has a witness");
            let end = chain.replay(&start, find, &environment).expect("no step is refused");
            prop_assert!(end.permitted.contains(capability), "{}: {}", capability, chain);
        }
        for capability in (CapabilitySet::KNOWN - found.set).iter() {
            prop_assert!(found.witness(capability).is_none());
        }
    }

    #[test]
    fn execve_keeps_the_invariants_of_the_sets(
        start in credentials(), files in executables(), environment in environment(),
    ) {
        for file in &files {
            let Ok(after) = execve(&start, file, &environment) else { continue };
            let most = start.permitted | start.bounding | start.inheritable;
            prop_assert!(after.permitted.is_subset(most));
            prop_assert!(after.ambient.is_subset(after.permitted & after.inheritable));
            prop_assert!(after.effective.is_subset(after.permitted));
            prop_assert_eq!(after.bounding, start.bounding);
        }
    }

    #[test]
    fn company_never_gives_more(
        start in credentials(), files in executables(), environment in environment(),
        effective in set(), traced in any::<bool>(), shares_directories in any::<bool>(),
    ) {
        let tracer = traced.then_some(Tracer { effective, standing: Standing::Member });
        let company = Company { tracer, shares_directories };
        for file in &files {
            let alone = execve(&start, file, &environment);
            let watched = execve_in_company(&start, file, &environment, company);
            prop_assert_eq!(alone.clone().err(), watched.clone().err());
            let (Ok(alone), Ok(watched)) = (alone, watched) else { continue };
            prop_assert!(watched.permitted.is_subset(alone.permitted));
            prop_assert!(watched.effective.is_subset(alone.permitted));
        }
    }

    #[test]
    fn setuid_and_setreuid_lead_nowhere_that_setresuid_does_not(
        start in credentials(), environment in environment(),
        id in prop_oneof![Just(0u32), Just(33), Just(1000)],
        other in proptest::option::of(prop_oneof![Just(0u32), Just(33), Just(1000)]),
    ) {
        let pair = setuid::PairRequest { real: other, effective: Some(id) };
        let reached = [
            setuid::setuid(&start, id, &environment),
            setuid::setreuid(&start, pair, &environment),
        ];
        for after in reached.into_iter().flatten() {
            let request = setuid::IdRequest {
                real: Some(after.uid.real),
                effective: Some(after.uid.effective),
                saved: Some(after.uid.saved),
            };
            prop_assert_eq!(setuid::setresuid(&start, request, &environment), Ok(after));
        }
    }

    #[test]
    fn file_capabilities_survive_a_round_trip(
        permitted in any::<u64>(), inheritable in any::<u64>(), effective in any::<bool>(),
        root_id in any::<u32>(), revision in 0usize..3,
    ) {
        let mask = if revision == 0 { u64::from(u32::MAX) } else { u64::MAX };
        let before = FileCapabilities {
            permitted: CapabilitySet::from_bits(permitted & mask),
            inheritable: CapabilitySet::from_bits(inheritable & mask),
            effective,
            revision: [Revision::One, Revision::Two, Revision::Three { root_id }][revision],
        };
        let bytes = before.encode().expect("it fits");
        prop_assert_eq!(FileCapabilities::decode(&bytes), Ok(before));
    }

    #[test]
    fn bytes_that_decode_encode_to_themselves(
        header in prop_oneof![Just(0x0100_0000u32), Just(0x0200_0001), Just(0x0300_0000), any::<u32>()],
        rest in vec(any::<u8>(), 0..24),
    ) {
        let bytes: Vec<u8> = header.to_le_bytes().into_iter().chain(rest).collect();
        if let Ok(decoded) = FileCapabilities::decode(&bytes) {
            prop_assert_eq!(decoded.encode().expect("it came from bytes"), bytes);
        }
    }

    #[test]
    fn a_set_is_read_back_from_its_own_text(bits in any::<u64>(), bare in any::<bool>()) {
        let set = CapabilitySet::from_bits(bits);
        let text = set.to_string();
        let text = if bare { text.to_lowercase().replace("cap_", "") } else { text };
        prop_assert_eq!(parse_capabilities(&text), Ok(set));
    }
}
