//! `entrypoint-only-drop`

use super::{Check, Rule, page};
use crate::fix::{in_container, start_lines};
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::{CapabilitySet, parse_capability};
use dropcap_manifest::Kind;

pub(super) static RULE: Rule = Rule {
    name: "entrypoint-only-drop",
    summary: "the entrypoint drops, but a process that the engine starts later never passes it",
    page: page!("entrypoint-only-drop"),
    references: &["docker-exec(1)", "capabilities(7)"],
    in_pods: &["kubectl exec", "capabilities(7)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    let mut findings = Vec::new();
    for (position, step) in subject.steps.iter().enumerate() {
        let dropped: CapabilitySet =
            step.drops.iter().flat_map(|word| dropped(&word.value).iter()).collect();
        // What the engine has dropped already, an exec does not get either.
        let regained = dropped & states.bounding();
        if regained.is_empty() {
            continue;
        }
        let command = step.arguments.first().map_or("", String::as_str);
        let plan = subject.plan;
        // What is added back by name is meant for the set-up, and nothing else gives it.
        let meant = subject.drops_all();
        let help = match subject.container.kind {
            _ if meant => {
                format!(
                    "every exec is given them too: where the set-up can do without, take them out \
                     of {}",
                    subject.wording().add
                )
            }
            Kind::Dockerfile => start_lines(plan, subject.engine.name()),
            Kind::Kubernetes => format!(
                "drop where containerd makes processes, for exec too: {}",
                in_container(plan)
            ),
            _ => {
                format!("drop where the engine makes processes, for exec too: {}", plan.in_words())
            }
        };
        let fix = plan.fix(plan.because.clone(), plan.in_words(), plan.drop_all(subject.container));
        let (level, fix) = if meant { (Level::Note, None) } else { (Level::Warning, fix) };
        findings.push(
            subject.draft(&RULE, level, &step.file, step.span.clone())
            .about(command)
            .message(format!(
                "`{command}` drops {} for what the entrypoint starts; an exec into {} does not pass it \
                 and keeps them in its bounding set",
                in_words(regained),
                subject.name()
            ))
            .help(help)
            .fix(fix)
            .done(),
        );
        findings.extend(offer(subject, position));
    }
    findings
}

/// The step itself, done better.
fn offer(subject: &Subject, position: usize) -> Option<Finding> {
    let step = &subject.steps[position];
    let command = step.arguments.first().map_or("", String::as_str);
    if step.failure_ignored {
        // `drop-not-verified` has an offer of its own.
        return None;
    }
    let fix = subject.mend?.fix(position)?;
    let draft = subject.draft(&RULE, Level::Note, &step.file, step.span.clone());
    let finding = draft
        .about(&format!("{command} by dropcap"))
        .message(format!(
            "`{command}` leaves what it does not name: `dropcap run` empties all five sets, and \
             verifies it before anything is executed"
        ))
        .help("for what the entrypoint itself starts; the engine's settings are for the rest")
        .fix(Some(fix))
        .done();
    Some(finding)
}

/// What a word of a step drops.
fn dropped(word: &str) -> CapabilitySet {
    if word.eq_ignore_ascii_case("all") {
        return CapabilitySet::KNOWN;
    }
    parse_capability(word).map_or(CapabilitySet::EMPTY, CapabilitySet::from)
}
