//! `runs-as-root`

use super::{Check, Rule, page};
use crate::fix::steps_down;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_manifest::Engine;

pub(super) static RULE: Rule = Rule {
    name: "runs-as-root",
    summary: "the first process is root, who owns root's files with no capability at all",
    page: page!("runs-as-root"),
    references: &["CIS Docker Benchmark 1.6.0 4.1 (configuration only)", "credentials(7)"],
    in_pods: &[
        "Kubernetes Pod Security Standards: restricted, Running as Non-root",
        "credentials(7)",
    ],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    if !states.is_root() {
        return Vec::new();
    }
    let user = subject.container.settings.user.as_ref();
    let stepper = subject.steps.iter().position(steps_down);
    // What nobody wrote down is assumed, and may be otherwise in the image.
    let read = subject.user_is_known();
    let level = if read && stepper.is_none() { Level::Warning } else { Level::Note };
    let who = match (subject.container.engine, user) {
        (Engine::OpenShell, _) => {
            "starts as root whatever the image says, for OpenShell's supervisor".to_owned()
        }
        (_, Some(user)) => format!("starts as root (`{}`)", user.value),
        (_, None) if read => "starts as root: no USER is set".to_owned(),
        (_, None) => match &subject.container.base {
            Some(base) => {
                format!("starts as root, if `{base}` sets no USER (that image is not read)")
            }
            None => "starts as root, if its image sets no USER (the image is not read)".to_owned(),
        },
    };
    let mut message = format!(
        "{}{} {who}; uid 0 owns root's files and the kernel's settings even without a capability",
        subject.premise(),
        subject.name()
    );
    if let Some(step) = stepper.map(|at| &subject.steps[at]) {
        let command = step.arguments.first().map_or("", String::as_str);
        message.push_str(&format!("; its entrypoint steps down by `{command}`, an exec does not"));
    }
    let span = user.map_or(&subject.container.span, |user| &user.span);
    let fix = stepper.and_then(|at| subject.mend?.fix(at));
    vec![
        subject
            .finding(&RULE, level, span)
            .fix(fix)
            .message(message)
            .help(format!("set a user of its own ({})", subject.wording().user))
            .done(),
    ]
}
