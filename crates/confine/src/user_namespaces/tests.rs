//! Every entry, every number, every flag against what is meant.

use super::architecture::{ARM, X86};
use super::interpreter::{Data, run};
use super::*;

/// What is meant for a call, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// The flags are the first argument.
    CloneOrUnshare,
    Setns,
    Clone3,
    Other,
}

/// The call with this number, written down apart from the tables under test.
fn call(architecture: u32, number: u32) -> Option<Call> {
    const X86_64: u32 = 0xc000_003e;
    const I386: u32 = 0x4000_0003;
    const AARCH64: u32 = 0xc000_00b7;
    const ARM: u32 = 0x4000_0028;
    let number = if architecture == X86_64 { number & !(1 << 30) } else { number };
    let [clone, unshare, setns] = match architecture {
        X86_64 => [56, 272, 308],
        I386 => [120, 310, 346],
        AARCH64 => [220, 97, 268],
        ARM => [120, 337, 375],
        _ => return None,
    };
    Some(match number {
        435 => Call::Clone3,
        number if number == clone || number == unshare => Call::CloneOrUnshare,
        number if number == setns => Call::Setns,
        _ => Call::Other,
    })
}

fn meant(data: &Data) -> u32 {
    let refused = |refused: bool| if refused { REFUSE } else { ALLOW };
    let [first, second, ..] = data.arguments.map(|argument| argument as u32);
    match call(data.architecture, data.number) {
        None => REFUSE,
        Some(Call::Clone3) => MISSING,
        Some(Call::CloneOrUnshare) => refused(first & CLONE_NEWUSER != 0),
        Some(Call::Setns) => refused(second == 0 || second & CLONE_NEWUSER != 0),
        Some(Call::Other) => ALLOW,
    }
}

/// Arguments worth trying: nothing, each bit alone, each with the flag, everything but the flag.
fn words() -> Vec<u64> {
    let flag = u64::from(CLONE_NEWUSER);
    let bits = (0..64).map(|bit| 1_u64 << bit);
    bits.clone()
        .chain(bits.map(|bit| bit | flag))
        .chain([0, flag, !flag, u64::MAX, flag | 17, 17, 0x7c02_0000])
        .collect()
}

#[test]
fn every_entry_number_and_flag_is_answered_as_meant() {
    for architectures in [X86, ARM] {
        let program = filter_for(architectures).expect("in reach");
        for audit in architectures.iter().map(|architecture| architecture.audit) {
            for number in (0..1024).flat_map(|low| [low, low | 1 << 30, low | 1 << 31]) {
                let interesting = call(audit, number) != Some(Call::Other);
                let first = if interesting { words() } else { vec![u64::from(CLONE_NEWUSER)] };
                for argument in first {
                    for other in [0, u64::from(CLONE_NEWUSER)] {
                        for (one, two) in [(argument, other), (other, argument)] {
                            let arguments = [one, two, u64::MAX, 0, 0, 0];
                            let data = Data {
                                number,
                                architecture: audit,
                                instruction_pointer: 0x1000_0000,
                                arguments,
                            };
                            assert_eq!(run(&program, &data), meant(&data), "{data:x?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn an_unknown_entry_is_refused_whatever_it_calls() {
    let program = filter_for(X86).expect("in reach");
    for architecture in [0, 0xc000_00b7, 0x4000_0028, 0x8000_0016] {
        for number in 0..512 {
            let data = Data { number, architecture, ..Data::default() };
            assert_eq!(run(&program, &data), REFUSE, "{data:x?}");
        }
    }
}

#[test]
fn numbers_agree_with_the_c_library_of_this_architecture() {
    let [native, ..] = NATIVE else { panic!("no native entry") };
    assert_eq!(i64::from(native.clone), libc::SYS_clone);
    assert_eq!(i64::from(native.unshare), libc::SYS_unshare);
    assert_eq!(i64::from(native.setns), libc::SYS_setns);
    assert_eq!(i64::from(native.clone3), libc::SYS_clone3);
    assert_eq!(CLONE_NEWUSER, libc::CLONE_NEWUSER as u32);
}
