//! `regain-by-setuid`

use super::{Check, Rule, page};
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::DoorKind;

pub(super) static RULE: Rule = Rule {
    name: "regain-by-setuid",
    summary: "a setuid-root file of the image gives back what the user does not hold",
    page: page!("regain-by-setuid"),
    references: &["capabilities(7)", "execve(2)"],
    in_pods: &["capabilities(7)", "execve(2)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some((paths, gains)) = subject.ways_back(|kind| kind != DoorKind::FileCapabilities) else {
        return Vec::new();
    };
    let what = match gains.is_empty() {
        true => "uid 0".to_owned(),
        false => in_words(gains),
    };
    vec![
        subject
            .finding_at_name(&RULE, Level::Warning)
            .message(format!(
                "{}in {}, {} can come to hold {what} by executing {}",
                subject.premise(),
                subject.name(),
                subject.user(),
                paths
            ))
            .help(format!(
                "set {}; or take the setuid bit off where nothing needs the file",
                subject.wording().no_new_privileges
            ))
            .done(),
    ]
}
