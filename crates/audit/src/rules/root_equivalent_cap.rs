//! `root-equivalent-cap`

use super::{CIS_CAPABILITIES, Check, Rule, page};
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::{CapabilitySet, Tier, parse_capability};

pub(super) static RULE: Rule = Rule {
    name: "root-equivalent-cap",
    summary: "a capability is added that leads to all others or to the host",
    page: page!("root-equivalent-cap"),
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
        if word.value.eq_ignore_ascii_case("ALL") {
            if states.reachable.set.is_empty() {
                continue;
            }
            findings.push(
                subject
                    .finding(&RULE, Level::Error, &word.span)
                    .about("ALL")
                    .message(format!(
                        "{} adds every capability, which is root on the host in several ways",
                        subject.name()
                    ))
                    .help("add the ones that it needs by name")
                    .done(),
            );
            continue;
        }
        let Ok(capability) = parse_capability(&word.value) else { continue };
        if capability.tier() != Tier::RootEquivalent || !states.reachable.set.contains(capability) {
            continue;
        }
        let (level, allowed_by) = if allowed.contains(capability) {
            (Level::Note, " (the policy allows it)")
        } else if states.defaults.contains(capability) {
            (Level::Warning, "")
        } else {
            (Level::Error, "")
        };
        findings.push(
            subject
                .finding(&RULE, level, &word.span)
                .about(&capability.to_string())
                .message(format!(
                    "{} adds {capability}{allowed_by}: whoever holds it can {}",
                    subject.name(),
                    capability.opens()
                ))
                .help(
                    "take it away, or keep it to a set-up step: start with it, and let `dropcap run` \
                     execute what stays",
                )
                .done(),
        );
    }
    findings
}
