//! `drop-order-fails`

use super::{Check, Rule, page};
use crate::script::Script;
use crate::{Finding, Level};
use dropcap_capability::{Capability, parse_capability};
use dropcap_manifest::PrivilegeStep;

pub(super) static RULE: Rule = Rule {
    name: "drop-order-fails",
    summary: "CAP_SETPCAP is dropped before the rest, which then cannot be dropped",
    page: page!("drop-order-fails"),
    references: &["capabilities(7) CAP_SETPCAP", "prctl(2) PR_CAPBSET_DROP"],
    in_pods: &[],
    check: Check::Script(check),
};

fn check(script: &Script) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, step) in script.steps.iter().enumerate() {
        let Some(setpcap) = step.drops.iter().position(|word| is_setpcap(&word.value)) else {
            continue;
        };
        let later = script.steps[position + 1..].iter().find(|later| !later.drops.is_empty());
        let behind = step.drops.len() - setpcap - 1;
        let command = name(step);
        let (level, message) = if again(step) {
            (
                Level::Error,
                format!(
                    "`{command}` drops CAP_SETPCAP and starts this script again, where the next drop \
                     answers EPERM: PR_CAPBSET_DROP needs CAP_SETPCAP"
                ),
            )
        } else if let Some(later) = later {
            (
                Level::Error,
                format!(
                    "`{command}` drops CAP_SETPCAP, so that `{}` after it cannot drop anything: \
                     PR_CAPBSET_DROP answers EPERM there",
                    name(later)
                ),
            )
        } else if behind > 0 {
            (
                Level::Warning,
                format!(
                    "`{command}` drops CAP_SETPCAP before the rest ({behind}); PR_CAPBSET_DROP needs it in \
                     the effective set, so whether they go depends on the tool, and what is left \
                     behind can never be dropped"
                ),
            )
        } else {
            continue;
        };
        let span = &step.drops[setpcap].span;
        findings.push(
            script
                .finding(&RULE, level, span)
                .about(command)
                .message(message)
                .help("drop everything in one step with SETPCAP last, or let `dropcap run` do it")
                .fix(script.mend.and_then(|mend| mend.fix(position)))
                .done(),
        );
    }
    findings
}

fn name(step: &PrivilegeStep) -> &str {
    step.arguments.first().map_or("", String::as_str)
}

/// Whether the step executes the script that it stands in.
fn again(step: &PrivilegeStep) -> bool {
    step.arguments.iter().any(|word| word.contains("$0") || word.contains("BASH_SOURCE"))
}

fn is_setpcap(word: &str) -> bool {
    parse_capability(word) == Ok(Capability::SETPCAP)
}
