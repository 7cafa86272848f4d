//! `new-privileges-allowed`

use super::{Check, Rule, STIG_NEW_PRIVILEGES, page};
use crate::analysis::first_process;
use crate::fix::{Because, Fix};
use crate::sets::in_words;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_manifest::{Engine, Kind, Spanned, Wanted};

pub(super) static RULE: Rule = Rule {
    name: "new-privileges-allowed",
    summary: "execve may grant privilege: no_new_privs is not set",
    page: page!("new-privileges-allowed"),
    references: &[STIG_NEW_PRIVILEGES, "prctl(2) PR_SET_NO_NEW_PRIVS"],
    in_pods: &[
        "Kubernetes Pod Security Standards: restricted, Privilege Escalation",
        "prctl(2) PR_SET_NO_NEW_PRIVS",
    ],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    let asked_for = subject.workload.is_some_and(|workload| !workload.no_new_privileges);
    if states.first.credentials.no_new_privs || asked_for {
        return Vec::new();
    }
    let gained = states.reachable.set - states.first.credentials.permitted;
    let rest = if !gained.is_empty() {
        format!("{} can gain {} {}", subject.user(), in_words(gained), subject.through(states))
    } else if states.reachable.root_user && !states.is_root() {
        format!("{} can become root {}", subject.user(), subject.through(states))
    } else {
        "nothing in it grants more than it holds now, but nothing keeps it so".to_owned()
    };
    let opens = !gained.is_empty() || states.reachable.root_user && !states.is_root();
    let level = if opens { Level::Warning } else { Level::Note };
    let message =
        format!("{}{} lets execve grant privilege: {rest}", subject.premise(), subject.name());
    let because = match &subject.plan.because {
        Because::Unproved(_) if subject.workload.is_none() => Because::Unproved(
            "a setuid or file-capability executable may be what it works by".to_owned(),
        ),
        // What was learnt was learnt without it.
        Because::Evidence if !subject.plan.no_new_privileges => Because::Unproved(
            "what the catalogue learnt lives from setuid or file-capability executables".to_owned(),
        ),
        because => because.clone(),
    };
    let help = match (subject.container.kind, subject.container.engine) {
        (Kind::Dockerfile, _) if subject.engine.engine == Engine::Containerd => {
            "a Dockerfile cannot set it: the container of the pod needs \
             `securityContext: {allowPrivilegeEscalation: false}`"
                .to_owned()
        }
        (Kind::Dockerfile, _) => "a Dockerfile cannot set it: start the image with \
             `--security-opt no-new-privileges:true`"
            .to_owned(),
        (_, Engine::OpenShell) => {
            "start the agent by `dropcap run --user USER -- CMD` inside, which sets it".to_owned()
        }
        _ if subject.is_in_pod() && subject.is_privileged() => {
            "take `privileged` away, and set `allowPrivilegeEscalation: false`: the API server refuses \
             one beside the other"
                .to_owned()
        }
        _ => format!("set {}", subject.wording().how_no_new_privileges),
    };
    let fix = match subject.is_in_pod() {
        true => in_pod(subject, because),
        false => {
            let wanted = Wanted {
                add_security_opt: vec!["no-new-privileges:true".to_owned()],
                ..Wanted::default()
            };
            subject.plan.fix(because, "set no-new-privileges:true", wanted)
        }
    };
    vec![subject.finding_at_name(&RULE, level).message(message).help(help).fix(fix).done()]
}

/// The same for a container of a pod; none where the API server would refuse it.
fn in_pod(subject: &Subject, because: Because) -> Option<Fix> {
    let unprivileged = subject.is_privileged();
    let wanted = Wanted { no_privilege_escalation: true, unprivileged, ..Wanted::default() };
    let mut settings = subject.container.settings.clone();
    settings.allow_privilege_escalation = Some(Spanned::new(false, 0..0));
    if unprivileged {
        settings.privileged = None;
        let because = Because::Unproved("what it uses of `privileged` is not known".to_owned());
        let does = "set allowPrivilegeEscalation: false, and take privileged away";
        return subject.plan.fix(because, does, wanted);
    }
    if first_process(&settings, subject.image, subject.engine).is_err() {
        // It is refused beside `CAP_SYS_ADMIN`, which the whole plan does not have.
        let wanted =
            Wanted { no_privilege_escalation: true, ..subject.plan.drop_all(subject.container) };
        let does = format!("{}, set allowPrivilegeEscalation: false", subject.plan.in_words());
        return subject.plan.fix(subject.plan.because.clone(), does, wanted);
    }
    subject.plan.fix(because, "set allowPrivilegeEscalation: false", wanted)
}
