//! Chains: how a capability is come by, step by step.

use crate::raise::raise;
use crate::setuid::{IdRequest, setfsuid, setgroups, setresgid, setresuid};
use crate::{CapabilitySet, Credentials, Environment, Executable, execve};
use std::fmt;

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// setresuid(2) to these real, effective and saved ids.
    SetUid([u32; 3]),
    /// setfsuid(2).
    SetFilesystemUid(u32),
    /// setresgid(2) to these real, effective and saved ids.
    SetGid([u32; 3]),
    /// setgroups(2).
    SetGroups(Vec<u32>),
    /// capset(2), `PR_SET_SECUREBITS` and `PR_CAP_AMBIENT_RAISE`: raises all that may be raised, these
    /// newly into the inheritable or the ambient set.
    Raise(CapabilitySet),
    /// execve(2) of this path.
    Execve(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetUid([real, effective, saved]) => {
                write!(f, "setresuid({real}, {effective}, {saved})")
            }
            Self::SetFilesystemUid(id) => write!(f, "setfsuid({id})"),
            Self::SetGid([real, effective, saved]) => {
                write!(f, "setresgid({real}, {effective}, {saved})")
            }
            Self::SetGroups(groups) => write!(f, "setgroups({groups:?})"),
            Self::Raise(set) if set.is_empty() => f.write_str("capset and securebits"),
            Self::Raise(set) => write!(f, "capset and ambient of {set}"),
            Self::Execve(path) => write!(f, "execve({path})"),
        }
    }
}

/// How a capability comes into the permitted set: the shortest chain, counted in execve calls.
/// Empty where it is there from the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain(pub Vec<Step>);

impl Chain {
    /// How many execve calls it takes.
    pub fn execs(&self) -> usize {
        self.0.iter().filter(|step| matches!(step, Step::Execve(_))).count()
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.pad("held from the start");
        }
        let steps: Vec<String> = self.0.iter().map(Step::to_string).collect();
        f.pad(&steps.join(", "))
    }
}

impl Chain {
    /// The credentials at the end of the chain, step by step through the model; `None` where a step
    /// is refused or names a file that `find` does not know.
    pub fn replay<'a>(
        &self,
        start: &Credentials,
        find: impl Fn(&str) -> Option<&'a Executable>,
        environment: &Environment,
    ) -> Option<Credentials> {
        let request = |[real, effective, saved]: [u32; 3]| IdRequest {
            real: Some(real),
            effective: Some(effective),
            saved: Some(saved),
        };
        self.0.iter().try_fold(start.clone(), |state, step| match step {
            Step::Raise(_) => Some(raise(&state, environment)),
            Step::SetUid(ids) => setresuid(&state, request(*ids), environment).ok(),
            Step::SetGid(ids) => setresgid(&state, request(*ids), environment).ok(),
            Step::SetFilesystemUid(id) => Some(setfsuid(&state, *id, environment)),
            Step::SetGroups(groups) => setgroups(&state, groups, environment).ok(),
            Step::Execve(path) => execve(&state, find(path)?, environment).ok(),
        })
    }
}
