//! `ineffective-cap-add`

use super::{Check, Rule, page};
use crate::analysis::first_process;
use crate::fix::Because;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::Capability;
use dropcap_manifest::{Settings, Wanted};

pub(super) static RULE: Rule = Rule {
    name: "ineffective-cap-add",
    summary: "a capability is added that the process never holds",
    page: page!("ineffective-cap-add"),
    references: &["capabilities(7)", "moby: oci.WithUser, oci.SetCapabilities"],
    in_pods: &["capabilities(7)", "containerd: opts.WithCapabilities"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let Some(states) = subject.states() else { return Vec::new() };
    if subject.is_privileged() {
        return Vec::new();
    }
    let settings = &subject.container.settings;
    let ineffective: Vec<_> = settings
        .cap_add
        .iter()
        .filter_map(|word| Some((word, subject.named(word)?)))
        .filter(|(_, added)| !states.first.credentials.permitted.contains(*added))
        .filter(|(word, _)| opens_nothing_else(subject, settings, &word.value))
        .collect();
    let useful: Vec<String> = settings
        .cap_add
        .iter()
        .filter(|word| !ineffective.iter().any(|(other, _)| other.span == word.span))
        .map(|word| word.value.clone())
        .collect();
    if ineffective.is_empty() {
        return Vec::new();
    }
    let because = match subject.prove_enough(&useful) {
        Ok(()) => Because::Proof,
        Err(gap) => Because::Unproved(format!("nothing proves that it is of no use: {gap}")),
    };
    ineffective
        .iter()
        .map(|(word, capability)| {
            let message = format!(
                "{} adds {capability}, which {} never holds: {}",
                subject.name(),
                subject.user(),
                why(subject, *capability)
            );
            let wanted = Wanted { cap_add: Some(useful.clone()), ..Wanted::default() };
            let fix = subject.plan.fix(because.clone(), format!("take {} out", word.value), wanted);
            subject
                .finding(&RULE, Level::Warning, &word.span)
                .about(&capability.to_string())
                .message(message)
                .help(help(subject, *capability))
                .fix(fix)
                .done()
        })
        .collect()
}

/// Why the process does not hold it.
fn why(subject: &Subject, capability: Capability) -> String {
    let bounding = subject.states().is_some_and(|states| states.bounding().contains(capability));
    if bounding {
        format!(
            "for a user other than root {} puts what is added into the bounding set alone, where only \
             a setuid file finds it",
            subject.engine_name()
        )
    } else {
        "it is dropped as well, and the engine lets the drop win".to_owned()
    }
}

fn help(subject: &Subject, capability: Capability) -> String {
    if !subject.states().is_some_and(|states| states.bounding().contains(capability)) {
        let wording = subject.wording();
        return format!(
            "take it out of {}, or out of {} if it is needed",
            wording.add, wording.drop
        );
    }
    if capability != Capability::NET_BIND_SERVICE {
        return "take it out; if it is needed, start as root with SETUID, SETGID and SETPCAP, and let \
                `dropcap run --user USER --allow CAPS` step down with it"
            .to_owned();
    }
    let network = &subject.container.settings.network;
    if network.as_ref().is_some_and(|network| network.value == "host") {
        return "with the host's network, ports below 1024 are open where the host's \
                net.ipv4.ip_unprivileged_port_start is 0"
            .to_owned();
    }
    if subject.is_in_pod() {
        return "take it out: ports below 1024 need no capability where \
                net.ipv4.ip_unprivileged_port_start is 0, which containerd sets in every pod since 2.0; \
                before, the pod's `securityContext.sysctls` does"
            .to_owned();
    }
    "take it out: ports below 1024 need no capability where net.ipv4.ip_unprivileged_port_start is 0, \
     which Docker sets in every container since 20.10"
        .to_owned()
}

/// Whether taking `word` out changes nothing beside the capability sets, such as what the seccomp
/// profile lets through.
fn opens_nothing_else(subject: &Subject, settings: &Settings, word: &str) -> bool {
    let mut without = settings.clone();
    without.cap_add.retain(|added| added.value != word);
    let Some(states) = subject.states() else { return false };
    first_process(&without, subject.image, subject.engine)
        .is_ok_and(|state| state.gate == states.first.gate && state.seccomp == states.first.seccomp)
}
