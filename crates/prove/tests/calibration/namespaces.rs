//! A user namespace where something denies what is done inside it.

use crate::same;
use crate::support::{attempt, holding, must_be_root};
use dropcap_capability::CapabilitySet;
use dropcap_confine::sys::{Instruction, Linux, System};
use dropcap_prove::Verdict;

/// Filters as an engine writes them: a refusal (EPERM) of one call, by its number and, where one is
/// given, by its first two arguments.
fn refuse(call: libc::c_long, arguments: Option<[u32; 2]>) {
    const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const JUMP_IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const ANSWER: u32 = libc::BPF_RET | libc::BPF_K;
    // Offsets in `struct seccomp_data`.
    const NUMBER: u32 = 0;
    const ARGUMENTS: [u32; 2] = [16, 24];
    let one = |code: u32, operand| {
        let code = u16::try_from(code).expect("a code");
        Instruction { code, jump_true: 0, jump_false: 0, operand }
    };
    let mut compared = vec![(NUMBER, u32::try_from(call).expect("a number"))];
    compared.extend(arguments.into_iter().flat_map(|values| ARGUMENTS.into_iter().zip(values)));
    let mut program = Vec::new();
    for (index, (offset, value)) in compared.iter().enumerate() {
        // Past the comparisons that are left, each two instructions long, and past the refusal.
        let left = u8::try_from(2 * (compared.len() - index - 1) + 1).expect("few");
        program.push(one(LOAD, *offset));
        program.push(Instruction { jump_false: left, ..one(JUMP_IF_EQUAL, *value) });
    }
    program.push(one(ANSWER, libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs()));
    program.push(one(ANSWER, libc::SECCOMP_RET_ALLOW));
    Linux.install_filter(&program).expect("root may install a filter");
}

/// As Podman's filter does to whoever was not given CAP_SYS_ADMIN: the namespace is as good as any.
#[test]
fn a_filter_of_one_call_does_not_close_a_user_namespace() {
    must_be_root();
    let sandbox = holding(CapabilitySet::EMPTY);
    let filter = || refuse(libc::SYS_sethostname, None);
    let tried = attempt("user-namespace", &sandbox, filter, same);
    assert_eq!(tried.verdict, Verdict::Open, "{tried:?}");
    assert!(tried.attempt.contains("PR_CAPBSET_DROP"), "{tried:?}");
}

/// As Ubuntu's AppArmor does, whose place two filters take here.
#[test]
fn capabilities_denied_inside_close_a_user_namespace() {
    must_be_root();
    let sandbox = holding(CapabilitySet::EMPTY);
    let filters = || {
        refuse(libc::SYS_sethostname, None);
        refuse(libc::SYS_prctl, Some([libc::PR_CAPBSET_DROP.unsigned_abs(), 63]));
    };
    let tried = attempt("user-namespace", &sandbox, filters, same);
    assert_eq!(tried.verdict, Verdict::Closed, "{tried:?}");
    assert_eq!(tried.result, "EPERM inside", "{tried:?}");
}
