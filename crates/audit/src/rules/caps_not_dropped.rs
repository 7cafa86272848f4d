//! `caps-not-dropped`

use super::{CIS_CAPABILITIES, Check, PODS_RESTRICTED, Rule, STIG_CAPABILITIES, page};
use crate::fix::{in_container, start_lines};
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_manifest::{Engine, Kind, Starter};

pub(super) static RULE: Rule = Rule {
    name: "caps-not-dropped",
    summary: "no capability is dropped: the engine's defaults stay within reach",
    page: page!("caps-not-dropped"),
    references: &[CIS_CAPABILITIES, STIG_CAPABILITIES, "capabilities(7)"],
    in_pods: &[PODS_RESTRICTED, "capabilities(7)"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    let bounding = states.bounding();
    if subject.is_privileged()
        || !subject.container.settings.cap_drop.is_empty()
        || bounding.is_empty()
    {
        return Vec::new();
    }
    let held = states.first.credentials.permitted;
    let reachable = states.reachable.set;
    let rest = if !held.is_empty() {
        format!("{} runs with {}", subject.user(), in_words(held))
    } else if !reachable.is_empty() {
        format!(
            "{} starts with none, but can come to hold {} {}",
            subject.user(),
            in_words(reachable),
            subject.through(states)
        )
    } else if subject.is_in_pod() {
        format!(
            "{} stay in the bounding set: nothing in it reaches them now, but nothing keeps it so",
            in_words(bounding)
        )
    } else {
        format!(
            "{} stay in the bounding set: nothing in it reaches them now, but an exec as root holds \
             them",
            in_words(bounding)
        )
    };
    let level = if reachable.is_empty() || subject.container.starter == Starter::Assumed {
        Level::Warning
    } else {
        Level::Error
    };
    let plan = subject.plan;
    let message = format!("{}{} drops no capability: {rest}", subject.premise(), subject.name());
    let help = match (subject.container.kind, subject.container.engine) {
        (Kind::Dockerfile, _) => start_lines(plan, subject.engine.name()),
        (_, Engine::OpenShell) => "OpenShell's driver sets the capabilities itself, and its \
             supervisor needs them: start the agent by `dropcap run --user USER -- CMD` inside"
            .to_owned(),
        (Kind::Kubernetes, _) => in_container(plan),
        _ if !plan.no_new_privileges => plan.in_words(),
        _ => format!("{} and set no-new-privileges", plan.in_words()),
    };
    let fix = plan.fix(plan.because.clone(), plan.in_words(), plan.drop_all(subject.container));
    vec![subject.finding_at_name(&RULE, level).message(message).help(help).fix(fix).done()]
}
