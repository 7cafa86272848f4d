//! What a process may hold, and why.

use dropcap_capability::CapabilitySet;
use dropcap_policy::{Policy, Running, Workload};

use crate::settings::WithoutMatch;

/// Which process of a container it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The first, which may set things up.
    First,
    /// One that comes in by `exec`.
    Exec,
}

/// What is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// All that the process may hold.
    pub allowed: CapabilitySet,
    /// Whether execve may grant nothing.
    pub no_new_privileges: bool,
    /// Whether user namespaces are closed.
    pub close_user_namespaces: bool,
    /// Whether it is only recorded.
    pub observe: bool,
    /// Why, in words.
    pub why: String,
}

impl Decision {
    /// With what the image's own policy takes away; it gives nothing.
    #[must_use]
    pub fn within_image(mut self, workload: &Workload, process: Process) -> Self {
        let setup = match process {
            Process::First => workload.setup,
            Process::Exec => CapabilitySet::EMPTY,
        };
        self.allowed = self.allowed & (workload.allow | setup);
        self.no_new_privileges |= workload.no_new_privileges;
        self.close_user_namespaces |= !workload.user_namespaces;
        self.why.push_str(", within the image's own policy");
        self
    }
}

/// From the policy, or from what is written for containers that it does not speak of.
pub fn decide(
    policy: &Policy,
    without_match: WithoutMatch,
    running: &Running,
    process: Process,
) -> Decision {
    let Some(workload) = policy.workload_of(running) else {
        return Decision {
            allowed: without_match.allowed(),
            // The engine's own choice of files and namespaces stays with `least-risk`.
            no_new_privileges: without_match != WithoutMatch::LeastRisk,
            close_user_namespaces: without_match != WithoutMatch::LeastRisk,
            observe: without_match == WithoutMatch::ObserveOnly,
            why: format!("no workload matches: {}", without_match.name()),
        };
    };
    let setup = match process {
        Process::First => workload.setup,
        Process::Exec => CapabilitySet::EMPTY,
    };
    Decision {
        allowed: workload.allow | setup,
        no_new_privileges: workload.no_new_privileges,
        close_user_namespaces: !workload.user_namespaces,
        observe: false,
        why: format!("workload `{}`", workload.name),
    }
}
