//! `root-equivalent-cap`

use super::{CIS_CAPABILITIES, Check, PODS_RESTRICTED, Rule, page};
use crate::subject::{Added, Subject};
use crate::{Finding, Level};
use dropcap_capability::Tier;

pub(super) static RULE: Rule = Rule {
    name: "root-equivalent-cap",
    summary: "a capability is added that leads to all others or to the host",
    page: page!("root-equivalent-cap"),
    references: &[CIS_CAPABILITIES, "capabilities(7)"],
    in_pods: &[PODS_RESTRICTED, "capabilities(7)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    const HELP: &str = "take it away, or keep it to a set-up step: start with it, and let `dropcap run` \
        execute what stays";
    let level = |added: &Added| match added {
        Added { is_allowed: true, .. } => Level::Note,
        Added { is_default: true, .. } => Level::Warning,
        _ => Level::Error,
    };
    let added = subject.added();
    let equivalent = added.iter().filter(|added| added.capability.tier() == Tier::RootEquivalent);
    let by_name =
        equivalent.map(|added| subject.finding_of_added(&RULE, level(added), added, HELP));
    added_all(subject).into_iter().chain(by_name).collect()
}

/// Every capability at once, by the word `ALL`.
fn added_all(subject: &Subject) -> Option<Finding> {
    let states = subject.states().filter(|_| !subject.is_privileged())?;
    let words = &subject.container.settings.cap_add;
    let all = words.iter().find(|word| word.value.eq_ignore_ascii_case("ALL"))?;
    if states.reachable.set.is_empty() {
        return None;
    }
    let name = subject.name();
    let message =
        format!("{name} adds every capability, which is root on the host in several ways");
    let finding = subject.finding(&RULE, Level::Error, &all.span).about("ALL").message(message);
    Some(finding.help("add the ones that it needs by name").done())
}
