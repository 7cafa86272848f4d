//! Who has a hand in a thread while it executes a file (`check_unsafe_exec`); execve(2), ptrace(2),
//! capabilities(7), "Safety checking for capability-dumb binaries" and its neighbours.

use crate::branch::{Branch, Faithful, Judge};
use crate::capable::{Standing, capable_judged};
use crate::{Capability, CapabilitySet, Credentials, Errno};

/// The credentials that tracing goes by: the tracer's own when it attached or seized, the thread's own
/// for `PTRACE_TRACEME` (`ptracer_cred`). What either becomes later does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracer {
    /// The effective set of that time.
    pub effective: CapabilitySet,
    /// Where they stand to the thread's user namespace of today.
    pub standing: Standing,
}

/// The others. Each only takes away: a gain that they could use is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Company {
    /// Who traces the thread, if anybody does (`LSM_UNSAFE_PTRACE`).
    pub tracer: Option<Tracer>,
    /// Whether another process shares its root and working directory: `CLONE_FS` of clone(2)
    /// (`LSM_UNSAFE_SHARE`).
    pub shares_directories: bool,
}

impl Company {
    /// None.
    pub const ALONE: Self = Self { tracer: None, shares_directories: false };

    /// Whether an execve by `thread` may not give more than there was, because of them or of
    /// no_new_privs.
    pub(crate) fn is_unsafe(&self, thread: &Credentials, judge: &mut impl Judge) -> bool {
        judge.decide(Branch::GainNoNewPrivs, thread.no_new_privs)
            || judge.decide(Branch::GainShared, self.shares_directories)
            || judge.decide(Branch::GainTraced, self.tracer.is_some())
                && !self.tracer.is_some_and(|tracer| tracer.may_see(judge))
    }
}

/// What `PTRACE_TRACEME` makes of the company of a thread (`ptrace_traceme`). That the parent may
/// trace it (Yama, `cap_ptrace_traceme`) is taken for granted.
///
/// # Errors
/// `EPERM` for a thread that is traced already.
pub fn trace_me(thread: &Credentials, company: Company) -> Result<Company, Errno> {
    trace_me_judged(thread, company, &mut Faithful)
}

/// [`trace_me`], its decision put to `judge`.
///
/// # Errors
/// As [`trace_me`].
pub fn trace_me_judged(
    thread: &Credentials,
    company: Company,
    judge: &mut impl Judge,
) -> Result<Company, Errno> {
    if judge.decide(Branch::TracedAlready, company.tracer.is_some()) {
        return Err(Errno::EPERM);
    }
    let tracer = Some(Tracer { effective: thread.effective, standing: Standing::Member });
    Ok(Company { tracer, ..company })
}

impl Tracer {
    /// `ptracer_capable`.
    fn may_see(&self, judge: &mut impl Judge) -> bool {
        capable_judged(self.effective, self.standing, Capability::SYS_PTRACE, judge)
    }
}
