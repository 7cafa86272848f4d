//! `new-privileges-allowed`

use super::{Check, Rule, STIG_NEW_PRIVILEGES, page};
use crate::fix::Because;
use crate::subject::{Subject, in_words};
use crate::{Finding, Level};
use dropcap_manifest::{Engine, Kind, Wanted};

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
            "take `privileged` away: the API server refuses `allowPrivilegeEscalation: false` beside it"
                .to_owned()
        }
        _ => format!("set {}", subject.wording().how_no_new_privileges),
    };
    let wanted =
        Wanted { add_security_opt: vec!["no-new-privileges:true".to_owned()], ..Wanted::default() };
    let fix = subject.plan.fix(because, "set no-new-privileges:true", wanted);
    vec![subject.finding_at_name(&RULE, level).message(message).help(help).fix(fix).done()]
}
