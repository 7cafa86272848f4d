//! `caps-partly-dropped`

use super::{CIS_CAPABILITIES, Check, PODS_RESTRICTED, Rule, STIG_CAPABILITIES, page};
use crate::fix::in_container;
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::CapabilitySet;
use dropcap_manifest::Spanned;

pub(super) static RULE: Rule = Rule {
    name: "caps-partly-dropped",
    summary: "a list of dropped capabilities leaves the rest",
    page: page!("caps-partly-dropped"),
    references: &[CIS_CAPABILITIES, STIG_CAPABILITIES, "capabilities(7)"],
    in_pods: &[PODS_RESTRICTED, "capabilities(7)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    let settings = &subject.container.settings;
    let Some((first, last)) = settings.cap_drop.first().zip(settings.cap_drop.last()) else {
        return Vec::new();
    };
    let added: CapabilitySet =
        settings.cap_add.iter().filter_map(|word| subject.named(word)).collect();
    let left = states.bounding() - added;
    if subject.is_privileged() || left.is_empty() {
        return Vec::new();
    }
    // Words of one file stand in a row; where an override adds some, the first alone is shown.
    let span = if subject.container.place(&first.span).0 == subject.container.place(&last.span).0 {
        first.span.start..last.span.end.max(first.span.end)
    } else {
        first.span.clone()
    };
    let plan = subject.plan;
    let is_name = |word: &Spanned<String>| subject.named(word).is_some();
    let message = format!(
        "{} drops {} and keeps {}, which nobody asked for",
        subject.name(),
        match settings.cap_drop.as_slice() {
            // containerd passes over what it does not know.
            words if subject.is_in_pod() && words.iter().all(|word| !is_name(word)) => "nothing",
            [_] => "one capability",
            _ => "some capabilities",
        },
        in_words(left)
    );
    let instead = if subject.is_in_pod() { in_container(plan) } else { plan.in_words() };
    let help = format!(
        "name what is needed, not what is not: {instead}; a list of what to drop misses what is not \
         thought of, and what newer kernels and engines bring"
    );
    let fix = plan.fix(plan.because.clone(), plan.in_words(), plan.drop_all(subject.container));
    vec![subject.finding(&RULE, Level::Warning, &span).message(message).help(help).fix(fix).done()]
}
