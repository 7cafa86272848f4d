//! `exec-breaks-under-drop`

use super::{Check, Rule, page};
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::{CapabilitySet, Environment, Errno, Executable, execve};

pub(super) static RULE: Rule = Rule {
    name: "exec-breaks-under-drop",
    summary: "an executable forces capabilities that cannot be had, so it does not start at all",
    page: page!("exec-breaks-under-drop"),
    references: &["capabilities(7)", "execve(2)"],
    in_pods: &["capabilities(7)", "execve(2)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    let credentials = &states.first.credentials;
    let environment = Environment::default();
    let breaks = |file: &&Executable| execve(credentials, file, &environment) == Err(Errno::EPERM);
    let findings = states.executables.iter().filter(breaks).map(|file| {
        let forced = file.file_capabilities.map_or(CapabilitySet::EMPTY, |it| it.permitted);
        let missing = forced - credentials.bounding;
        subject
            .finding_at_name(&RULE, Level::Note)
            .about(&file.path)
            .message(format!(
                "{}in {}, {} cannot execute {} (EPERM): the file forces {}, which {} not in the \
                 bounding set",
                subject.premise(),
                subject.name(),
                subject.user(),
                file.path,
                in_words(missing),
                if missing.len() == 1 { "is" } else { "are" }
            ))
            .help(format!(
                "where it is needed, take its capabilities off in the image (`setcap -r FILE`) if it \
                 works without, or add them ({})",
                subject.wording().add
            ))
            .done()
    });
    findings.collect()
}
