//! `policy-drift`

use super::{Check, Rule, page};
use crate::subject::Subject;
use crate::{Finding, Level};

pub(super) static RULE: Rule = Rule {
    name: "policy-drift",
    summary: "what is to run is no longer what the policy's evidence was learned on",
    page: page!("policy-drift"),
    references: &["dropcap's policy: docs/policy.md"],
    in_pods: &["dropcap's policy: docs/policy.md"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(workload) = subject.workload else { return Vec::new() };
    let Some(gap) = subject.evidence_gap().filter(|gap| gap.is_drift()) else {
        return Vec::new();
    };
    let span = match &subject.container.image {
        Some(image) => &image.span,
        None => &subject.container.span,
    };
    let message = format!(
        "{} is not what the policy speaks of: workload `{}` {gap}",
        subject.name(),
        workload.name
    );
    vec![
        subject
            .finding(&RULE, Level::Warning, span)
            .message(message)
            .help(format!("learn again: {}", subject.plan.remedy))
            .done(),
    ]
}
