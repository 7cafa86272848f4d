//! `regain-by-setuid`

use super::{Check, Rule, page};
use crate::subject::{Subject, in_words};
use crate::{Finding, Level};
use dropcap_capability::DoorKind;

pub(super) static RULE: Rule = Rule {
    name: "regain-by-setuid",
    summary: "a setuid-root file of the image gives back what the user does not hold",
    page: page!("regain-by-setuid"),
    references: &["capabilities(7)", "execve(2)"],
    check: Check::Container(check),
};

/// So many files are named; the rest is counted.
const SHOWN: usize = 5;

fn check(subject: &Subject) -> Vec<Finding> {
    // Of an image that was not read there is no file to name.
    let (Some(states), Some(_)) = (subject.states(), subject.image) else { return Vec::new() };
    let doors: Vec<_> =
        states.doors.iter().filter(|door| door.kind != DoorKind::FileCapabilities).collect();
    if doors.is_empty() || states.first.credentials.no_new_privs {
        return Vec::new();
    }
    let mut paths: Vec<String> = doors.iter().take(SHOWN).map(|door| door.path.clone()).collect();
    if doors.len() > SHOWN {
        paths.push(format!("and {} more", doors.len() - SHOWN));
    }
    let gains =
        doors.iter().fold(dropcap_capability::CapabilitySet::EMPTY, |all, door| all | door.gains);
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
                paths.join(", ")
            ))
            .help("set no-new-privileges; or take the setuid bit off where nothing needs the file")
            .done(),
    ]
}
