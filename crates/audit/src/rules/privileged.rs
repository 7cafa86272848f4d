//! `privileged`

use super::{Check, Rule, page};
use crate::fix::Because;
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_manifest::Wanted;

pub(super) static RULE: Rule = Rule {
    name: "privileged",
    summary: "a privileged container is root on the host",
    page: page!("privileged"),
    references: &["CIS Docker Benchmark 1.6.0 5.5 (configuration only)", "capabilities(7)"],
    in_pods: &[
        "Kubernetes Pod Security Standards: baseline, Privileged Containers",
        "capabilities(7)",
    ],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let setting = &subject.container.settings.privileged;
    let Some(privileged) = setting.as_ref().filter(|privileged| privileged.value) else {
        return Vec::new();
    };
    let ignored = match subject.container.settings.cap_drop.is_empty() {
        true => String::new(),
        false => format!("; {} counts for nothing here", subject.wording().drop),
    };
    let held = subject
        .states()
        .map_or_else(|| "every capability".to_owned(), |states| in_words(states.reachable.set));
    let message = format!(
        "{} is privileged: it can hold {held}, with every device and without seccomp and \
         AppArmor{ignored}",
        subject.name()
    );
    let plan = subject.plan;
    let wanted = Wanted { unprivileged: true, ..plan.drop_all(subject.container) };
    // Devices and seccomp go with it, of which no set of capabilities tells.
    let because = Because::Unproved(
        "privileged gives devices and lifts seccomp and AppArmor too; which of them it uses is not \
         known"
            .to_owned(),
    );
    let does = format!("take privileged away, {}", plan.in_words());
    let fix = plan.fix(because, does, wanted);
    let help = if subject.is_in_pod() {
        "give it the one capability that it needs (`capabilities.add`), or the device by a device plugin"
    } else {
        "give it the one device or capability that it needs (`devices`, `cap_add`)"
    };
    vec![
        subject
            .finding(&RULE, Level::Error, &privileged.span)
            .message(message)
            .help(help)
            .fix(fix)
            .done(),
    ]
}
