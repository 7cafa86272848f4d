//! What a process may hold, and why.

use dropcap_capability::CapabilitySet;
use dropcap_policy::{Policy, Workload};

use crate::running::Known;
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
    /// What both let a process have; what is only observed lets it have all that it asks for.
    #[must_use]
    fn and(self, other: Self) -> Self {
        match (self.observe, other.observe) {
            (true, _) => other,
            (_, true) => self,
            (false, false) => Self {
                allowed: self.allowed & other.allowed,
                no_new_privileges: self.no_new_privileges || other.no_new_privileges,
                close_user_namespaces: self.close_user_namespaces || other.close_user_namespaces,
                observe: false,
                why: format!("{}, within {}", self.why, other.why),
            },
        }
    }

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

/// From the policy, or from what is written for containers that it does not speak of. A workload that speaks of it by what
/// its image says as well can only take away.
pub fn decide(
    policy: &Policy,
    without_match: WithoutMatch,
    known: &Known,
    process: Process,
) -> Decision {
    let Known { given, all } = known;
    let certain = one(policy.workload_of(given), without_match, process);
    policy
        .telling_apart(given, all)
        .map(|workload| one(Some(workload), without_match, process))
        .fold(certain, Decision::and)
}

fn one(workload: Option<&Workload>, without_match: WithoutMatch, process: Process) -> Decision {
    let Some(workload) = workload else {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;
    use dropcap_policy::Running;

    const POLICY: &str = r#"
        version = 1
        [[workload]]
        name = "strict"
        match = [{ label = "role=strict" }]
        [[workload]]
        name = "giving"
        allow = ["KILL"]
        no-new-privileges = false
        match = [{ label = "role=giving" }, { compose = "giving/*" }]"#;

    fn labelled(labels: &[&str]) -> Running {
        let pairs = labels.iter().map(|role| ("role".to_owned(), (*role).to_owned()));
        Running { labels: pairs.collect(), ..Running::default() }
    }

    /// What is decided where these labels are the container's, and these its image's as well.
    fn decided(without: WithoutMatch, given: &[&str], all: &[&str]) -> (String, bool, bool) {
        let known = Known { given: labelled(given), all: labelled(all) };
        let policy = Policy::parse(POLICY).unwrap();
        let Decision { allowed, no_new_privileges, observe, .. } =
            decide(&policy, without, &known, Process::Exec);
        (allowed.to_string(), no_new_privileges, observe)
    }

    #[test]
    fn what_the_image_says_as_well_takes_away_and_gives_nothing() {
        use WithoutMatch::{DropAll, ObserveOnly};
        let is = |allowed: &str, no_new_privileges, observe| {
            (allowed.to_owned(), no_new_privileges, observe)
        };
        assert_eq!(decided(DropAll, &["giving"], &["giving"]), is("CAP_KILL", false, false));
        assert_eq!(decided(DropAll, &[], &["giving"]), is("none", true, false));
        assert_eq!(decided(DropAll, &["strict"], &["giving"]), is("none", true, false));
        // Nothing is lost of a policy that its image speaks of too, and an image does not get rid of one.
        for strict in [&["strict"][..], &["strict", "giving"]] {
            assert_eq!(decided(ObserveOnly, &[], strict), is("none", true, false));
        }
        assert_eq!(decided(ObserveOnly, &[], &["giving"]), is("CAP_KILL", false, false));
        assert_eq!(decided(ObserveOnly, &[], &[]), is("none", true, true));
    }
}
