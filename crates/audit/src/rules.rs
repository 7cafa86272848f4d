//! The registry: every rule, one file each.

mod cap_name_rejected;
mod caps_not_dropped;
mod caps_partly_dropped;
mod drop_not_verified;
mod drop_order_fails;
mod engine_socket_mounted;
mod entrypoint_only_drop;
mod exec_breaks_under_drop;
mod ineffective_cap_add;
mod new_privileges_allowed;
mod policy_drift;
mod privileged;
mod regain_by_file_caps;
mod regain_by_setuid;
mod risky_cap;
mod root_equivalent_cap;
mod runs_as_root;
mod unknown_cap;

use crate::Finding;
use crate::script::Script;
use crate::subject::Subject;

/// One rule.
pub struct Rule {
    /// Its name, which explains itself.
    pub name: &'static str,
    /// What it says, in one line.
    pub summary: &'static str,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// Standards and man pages that it rests on.
    pub references: &'static [&'static str],
    /// The same where the container is one of a pod.
    pub in_pods: &'static [&'static str],
    pub(crate) check: Check,
}

/// What a rule looks at.
pub(crate) enum Check {
    /// Each container.
    Container(fn(&Subject) -> Vec<Finding>),
    /// Each shell script that changes privilege.
    Script(fn(&Script) -> Vec<Finding>),
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Every rule, in the order in which they look.
pub static RULES: &[&Rule] = &[
    &privileged::RULE,
    &caps_not_dropped::RULE,
    &caps_partly_dropped::RULE,
    &root_equivalent_cap::RULE,
    &risky_cap::RULE,
    &ineffective_cap_add::RULE,
    &unknown_cap::RULE,
    &cap_name_rejected::RULE,
    &new_privileges_allowed::RULE,
    &regain_by_setuid::RULE,
    &regain_by_file_caps::RULE,
    &exec_breaks_under_drop::RULE,
    &runs_as_root::RULE,
    &entrypoint_only_drop::RULE,
    &drop_order_fails::RULE,
    &drop_not_verified::RULE,
    &engine_socket_mounted::RULE,
    &policy_drift::RULE,
];

/// The rule of this name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.name == name)
}

/// The page of a rule, which lies beside the documentation.
macro_rules! page {
    ($name:literal) => {
        include_str!(concat!("../../../../docs/rules/", $name, ".md"))
    };
}
pub(crate) use page;

/// CIS's item on capabilities. Section 5 audits running containers: on files it is a matter of
/// configuration alone.
pub(crate) const CIS_CAPABILITIES: &str = "CIS Docker Benchmark 1.6.0 5.4 (configuration only)";
/// DISA's item on capabilities.
pub(crate) const STIG_CAPABILITIES: &str = "DISA Docker STIG V-235801";
/// DISA's item on no_new_privs.
pub(crate) const STIG_NEW_PRIVILEGES: &str = "DISA Docker STIG V-235816";

/// The Pod Security Standards' items on capabilities: restricted asks for `ALL` in `drop`, and lets
/// NET_BIND_SERVICE alone be added; baseline lets Docker's defaults less NET_RAW be added.
pub(crate) const PODS_RESTRICTED: &str =
    "Kubernetes Pod Security Standards: restricted, Capabilities";
/// See [`PODS_RESTRICTED`].
pub(crate) const PODS_BASELINE: &str = "Kubernetes Pod Security Standards: baseline, Capabilities";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_kebab_case_and_unique_and_head_their_pages() {
        for (position, rule) in RULES.iter().enumerate() {
            let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(rule.name.chars().all(kebab), "{}", rule.name);
            assert!(RULES[..position].iter().all(|other| other.name != rule.name), "{}", rule.name);
            assert!(rule.page.starts_with(&format!("# {}\n", rule.name)), "{}", rule.name);
            for part in ["## Why", "## Fires", "## Fixed", "## References"] {
                assert!(rule.page.contains(part), "{} has no `{part}`", rule.name);
            }
        }
    }
}
