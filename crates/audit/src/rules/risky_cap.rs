//! `risky-cap`

use super::{CIS_CAPABILITIES, Check, Rule, page};
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::{CapabilitySet, Tier, parse_capability};

pub(super) static RULE: Rule = Rule {
    name: "risky-cap",
    summary: "a capability is added that is worth something to an attacker",
    page: page!("risky-cap"),
    references: &[CIS_CAPABILITIES, "capabilities(7)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    if subject.is_privileged() {
        return Vec::new();
    }
    let allowed =
        subject.workload.map_or(CapabilitySet::EMPTY, |workload| workload.allow | workload.setup);
    let mut findings = Vec::new();
    for word in &subject.container.settings.cap_add {
        let Ok(capability) = parse_capability(&word.value) else { continue };
        let tier = capability.tier();
        if !matches!(tier, Tier::Network | Tier::Moderate)
            || !states.reachable.set.contains(capability)
        {
            continue;
        }
        // What the engine gives by default anyway is no news, save for the network.
        let known = tier == Tier::Moderate && states.defaults.contains(capability);
        let level =
            if known || allowed.contains(capability) { Level::Note } else { Level::Warning };
        let allowed_by = if allowed.contains(capability) { " (the policy allows it)" } else { "" };
        findings.push(
            subject
                .finding(&RULE, level, &word.span)
                .about(&capability.to_string())
                .message(format!(
                    "{} adds {capability}{allowed_by}: whoever holds it can {}",
                    subject.name(),
                    capability.opens()
                ))
                .help("take it away if nothing needs it; the policy is the place to say what does")
                .done(),
        );
    }
    findings
}
