//! `regain-by-file-caps`

use super::{Check, Rule, page};
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::DoorKind;

pub(super) static RULE: Rule = Rule {
    name: "regain-by-file-caps",
    summary: "a file with capabilities gives back what the user does not hold",
    page: page!("regain-by-file-caps"),
    references: &["capabilities(7)", "execve(2)"],
    in_pods: &["capabilities(7)", "execve(2)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some((paths, gains)) = subject.ways_back(|kind| kind == DoorKind::FileCapabilities) else {
        return Vec::new();
    };
    vec![
        subject
            .finding_at_name(&RULE, Level::Warning)
            .message(format!(
                "{}in {}, {} can come to hold {} by executing {paths}",
                subject.premise(),
                subject.name(),
                subject.user(),
                in_words(gains)
            ))
            .help(format!(
                "drop what the file gives, or set {}; or take its capabilities off in the image \
                 (`setcap -r FILE`)",
                subject.wording().no_new_privileges
            ))
            .done(),
    ]
}
