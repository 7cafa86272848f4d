//! `risky-cap`

use super::{CIS_CAPABILITIES, Check, PODS_RESTRICTED, Rule, page};
use crate::subject::{Added, Subject};
use crate::{Finding, Level};
use dropcap_capability::Tier;

pub(super) static RULE: Rule = Rule {
    name: "risky-cap",
    summary: "a capability is added that is worth something to an attacker",
    page: page!("risky-cap"),
    references: &[CIS_CAPABILITIES, "capabilities(7)"],
    in_pods: &[PODS_RESTRICTED, "capabilities(7)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    const HELP: &str = "take it away if nothing needs it; the policy is the place to say what does";
    let level = |added: &Added| {
        // What the engine gives by default anyway is no news, save for the network.
        let is_known = added.capability.tier() == Tier::Moderate && added.is_default;
        if is_known || added.is_allowed { Level::Note } else { Level::Warning }
    };
    let is_risky =
        |added: &&Added| matches!(added.capability.tier(), Tier::Network | Tier::Moderate);
    let added = subject.added();
    let risky = added.iter().filter(is_risky);
    risky.map(|added| subject.finding_of_added(&RULE, level(added), added, HELP)).collect()
}
