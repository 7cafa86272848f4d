//! What is written is read as what it was, in each text form.

use dropcap_capability::*;
use proptest::prelude::*;

/// A set of the known capabilities, empty and full as likely as anything between.
fn set() -> impl Strategy<Value = CapabilitySet> {
    let known = CapabilitySet::KNOWN.bits();
    prop_oneof![Just(0), Just(known), any::<u64>().prop_map(move |bits| bits & known)]
        .prop_map(CapabilitySet::from_bits)
}

/// Any 64 bits: what a newer kernel may bring is carried too.
fn bits() -> impl Strategy<Value = CapabilitySet> {
    prop_oneof![set(), any::<u64>().prop_map(CapabilitySet::from_bits)]
}

fn state() -> impl Strategy<Value = CapabilityState> {
    (bits(), bits(), bits()).prop_map(|(effective, inheritable, permitted)| CapabilityState {
        effective,
        inheritable,
        permitted,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn libcap_text(state in state(), all in bits()) {
        prop_assert_eq!(CapabilityState::from_text(&state.to_text(all), all), Ok(state));
        prop_assert_eq!(state.to_string().parse(), Ok(state));
    }

    #[test]
    fn each_clause_of_libcap_text_goes_on_from_the_one_before(
        start in state(), named in set(), flags in 1_usize..8, raise in any::<bool>(),
    ) {
        let named = named.with(Capability::KILL);
        let letters = ["", "e", "i", "ei", "p", "ep", "ip", "eip"][flags];
        let operator = if raise { '+' } else { '-' };
        let list = named.to_string();
        let text = format!("{start}\t {list}{operator}{letters}\n");
        let changed = |set: CapabilitySet, letter| match (letters.contains(letter), raise) {
            (false, _) => set,
            (true, true) => set | named,
            (true, false) => set - named,
        };
        let expected = CapabilityState {
            effective: changed(start.effective, 'e'),
            inheritable: changed(start.inheritable, 'i'),
            permitted: changed(start.permitted, 'p'),
        };
        prop_assert_eq!(text.parse(), Ok(expected));
    }

    #[test]
    fn iab(inheritable in bits(), ambient in bits(), blocked in bits()) {
        let iab = Iab::new(inheritable, ambient, blocked);
        prop_assert!(iab.ambient().is_subset(iab.inheritable()));
        prop_assert_eq!(iab.to_string().parse(), Ok(iab));
    }

    #[test]
    fn iab_of_credentials(inheritable in set(), ambient in set(), bounding in set()) {
        let all = CapabilitySet::KNOWN;
        let start = Credentials { inheritable, ambient, ..Credentials::unprivileged(33, bounding) };
        let iab: Iab = Iab::of(&start, all).to_string().parse().expect("its own text");
        prop_assert_eq!(all - iab.blocked(), start.bounding & all);
        prop_assert_eq!(iab.ambient(), start.ambient);
        prop_assert_eq!(iab.inheritable(), start.inheritable | start.ambient);
    }

    #[test]
    fn hexadecimal_masks(set in bits()) {
        prop_assert_eq!(CapabilitySet::from_hex(&format!("{set:016x}")), Ok(set));
        prop_assert_eq!(CapabilitySet::from_hex(&format!("{set:#x}").to_uppercase()), Ok(set));
    }

    #[test]
    fn names(set in bits()) {
        prop_assert_eq!(set.to_string().parse(), Ok(set));
        prop_assert_eq!(set.to_string().to_lowercase().replace("cap_", "").parse(), Ok(set));
    }

    #[test]
    fn securebits(bits in any::<u32>(), before in any::<u32>()) {
        let (flags, before) = (Securebits::from_bits(bits), Securebits::from_bits(before));
        prop_assert_eq!(flags.to_string().parse(), Ok(flags));
        let kernel = flags.to_string().to_uppercase().replace(',', "|SECBIT_").replace("SECBIT_0X", "0x");
        prop_assert_eq!(kernel.replace("0X", "0x").parse(), Ok(flags));
        if flags != Securebits::EMPTY {
            let with = |sign: &str| format!("{sign}{flags}").replace(',', &format!(",{sign}"));
            prop_assert_eq!(before.changed_by(&with("+")), Ok(before.union(flags)));
            prop_assert_eq!(before.changed_by(&with("-")), Ok(before.difference(flags)));
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in ".{0,40}") {
        let _ = CapabilityState::from_text(&text, CapabilitySet::KNOWN);
        let _ = text.parse::<Iab>();
        let _ = CapabilitySet::from_hex(&text);
        let _ = text.parse::<CapabilitySet>();
        let _ = Securebits::EMPTY.changed_by(&text);
        let _ = ProcStatus::parse(&text);
        if let Ok(flags) = text.parse::<Securebits>() {
            prop_assert_eq!(flags.to_string().parse(), Ok(flags));
        }
    }
}
