//! Interpreter scripts; execve(2), "Interpreter scripts".

use crate::branch::{Branch, Faithful, Judge};
use crate::execve::execve_judged;
use crate::permission::may_execute;
use crate::{Company, Credentials, Environment, Errno, Executable};

/// The most scripts that may name one another until a program comes (`exec_binprm`).
pub const MOST_SCRIPTS: usize = 5;

/// The credentials after execve(2) of the first of `scripts`, each of which names the next one in its
/// first line, and the last one `program`.
///
/// A script has to be executable like any file, but its set-id bits and file capabilities count
/// for nothing: `bprm_creds_from_file` asks the file that is loaded in the end.
///
/// # Errors
/// As [`execve`](crate::execve()), for each script first, then for the program; `ELOOP` for more than
/// [`MOST_SCRIPTS`].
pub fn execve_script(
    old: &Credentials,
    scripts: &[Executable],
    program: &Executable,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    execve_script_judged(old, scripts, program, environment, Company::ALONE, &mut Faithful)
}

/// [`execve_script`] by a thread that others have a hand in, each of its decisions put to `judge`.
///
/// # Errors
/// As [`execve_script`].
pub fn execve_script_judged(
    old: &Credentials,
    scripts: &[Executable],
    program: &Executable,
    environment: &Environment,
    company: Company,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    for script in scripts.iter().take(MOST_SCRIPTS + 2) {
        may_execute(old, script, environment, judge)?;
    }
    if judge.decide(Branch::InterpretersTooMany, scripts.len() > MOST_SCRIPTS) {
        // What the last script names was opened already when they are counted.
        if scripts.len() == MOST_SCRIPTS + 1 {
            may_execute(old, program, environment, judge)?;
        }
        return Err(Errno::ELOOP);
    }
    execve_judged(old, program, environment, company, judge)
}
