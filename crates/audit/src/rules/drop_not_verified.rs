//! `drop-not-verified`

use super::{Check, Rule, page};
use crate::fix::{AndThen, replace_step};
use crate::script::Script;
use crate::{Finding, Level};
use dropcap_manifest::Tool;

pub(super) static RULE: Rule = Rule {
    name: "drop-not-verified",
    summary: "the script goes on where the drop fails",
    page: page!("drop-not-verified"),
    references: &["capabilities(7)", "prctl(2) PR_CAPBSET_DROP"],
    check: Check::Script(check),
};

fn check(script: &Script) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, step) in script.steps.iter().enumerate() {
        let drops = !step.drops.is_empty() || step.no_new_privs || step.tool == Tool::Dropcap;
        if !drops || !step.failure_ignored {
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
                .fix(replace_step(script.steps, position, script.source, AndThen::End))
                .done(),
        );
    }
    findings
}
