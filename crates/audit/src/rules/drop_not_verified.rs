//! `drop-not-verified`

use super::{Check, Rule, page};
use crate::fix::is_unverified;
use crate::script::Script;
use crate::{Finding, Level};

pub(super) static RULE: Rule = Rule {
    name: "drop-not-verified",
    summary: "the script goes on where the drop fails",
    page: page!("drop-not-verified"),
    references: &["capabilities(7)", "prctl(2) PR_CAPBSET_DROP"],
    in_pods: &[],
    check: Check::Script(check),
};

fn check(script: &Script) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, step) in script.steps.iter().enumerate() {
        if !is_unverified(step) {
            continue;
        }
        let command = step.arguments.first().map_or("", String::as_str);
        findings.push(
            script
                .finding(&RULE, Level::Warning, &step.span)
                .about(command)
                .message(format!(
                    "where `{command}` fails, the script goes on with everything that it should have \
                     dropped, and nobody sees it"
                ))
                .help(
                    "end the script where the drop fails, and read /proc/self/status back; \
                     `dropcap run` does both and exits with 125",
                )
                .fix(script.mend.and_then(|mend| mend.fix(position)))
                .done(),
        );
    }
    findings
}
