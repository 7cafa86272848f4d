//! `engine-socket-mounted`

use super::{Check, Rule, page};
use crate::analysis::{holds_engine_socket, is_engine_socket};
use crate::subject::Subject;
use crate::{Finding, Level};

pub(super) static RULE: Rule = Rule {
    name: "engine-socket-mounted",
    summary: "an engine's socket is within reach: whoever speaks to it is root on the host",
    page: page!("engine-socket-mounted"),
    references: &["docs.docker.com/engine/security: Docker daemon attack surface"],
    in_pods: &["Kubernetes Pod Security Standards: baseline, HostPath Volumes"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let sockets = subject
        .container
        .settings
        .mounts
        .iter()
        .filter(|mount| mount.bind && holds_engine_socket(&mount.source));
    sockets
        .map(|mount| {
            let what = if is_engine_socket(&mount.source) {
                format!("mounts the engine's socket {}", mount.source)
            } else {
                format!("mounts {}, where an engine's socket lies", mount.source)
            };
            subject
                .finding(&RULE, Level::Error, &mount.span)
                .about(&mount.target)
                .message(format!(
                    "{} {what}: whoever can open it starts a privileged container; no dropped \
                     capability changes that, and mounting it read-only does not either",
                    subject.name()
                ))
                .help("take the mount out, or put a proxy before it that lets through the calls needed")
                .done()
        })
        .collect()
}
