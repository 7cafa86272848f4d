//! `unknown-cap`

use super::{Check, Rule, page};
use crate::fix::Because;
use crate::subject::Subject;
use crate::{Analysis, Finding, Level};
use dropcap_capability::{Capability, parse_capability};
use dropcap_manifest::{Spanned, Wanted};

pub(super) static RULE: Rule = Rule {
    name: "unknown-cap",
    summary: "a word is no capability, or none that this engine knows",
    page: page!("unknown-cap"),
    references: &["capabilities(7)", "moby: caps.NormalizeLegacyCapabilities"],
    in_pods: &["capabilities(7)", "containerd: opts.WithCapabilities"],
    check: Check::Container(check),
};

fn check(subject: &Subject) -> Vec<Finding> {
    let settings = &subject.container.settings;
    let refused = match subject.analysis {
        Analysis::Refused(refusal) => Some(refusal),
        Analysis::Starts(_) => None,
    };
    let mut findings = Vec::new();
    for word in settings.cap_add.iter().chain(&settings.cap_drop) {
        let meant = match meaning(&word.value) {
            Meaning::Known => {
                // One that dropcap knows, and this version of the engine does not.
                if refused.is_none_or(|refusal| refusal.word != word.value) {
                    continue;
                }
                None
            }
            Meaning::Unknown(nearest) => nearest,
        };
        findings.push(finding(subject, word, meant));
    }
    findings
}

fn finding(subject: &Subject, word: &Spanned<String>, meant: Option<String>) -> Finding {
    let outcome = match subject.analysis {
        Analysis::Refused(refusal) => {
            format!("{} does not start: {}", subject.name(), refusal.reason)
        }
        Analysis::Starts(_) => {
            format!("{} starts all the same, without what was meant", subject.name())
        }
    };
    let message =
        format!("`{}` is no capability that {} knows; {outcome}", word.value, subject.engine);
    let help = match &meant {
        Some(meant) => format!("write {meant}, if that was meant"),
        None => "take it out; the names are those of capabilities(7), such as NET_RAW".to_owned(),
    };
    // Where it starts all the same, there are better fixes for what it keeps and for what it adds in vain.
    let starts = subject.states().is_some();
    let is_enough = !starts || subject.drops_all() && subject.adds_what_is_held();
    let fix = meant.filter(|_| is_enough).and_then(|meant| {
        let because = Because::Unproved("what was meant is a guess".to_owned());
        subject.plan.fix(because, format!("`{}` becomes {meant}", word.value), corrected(subject))
    });
    subject
        .finding(&RULE, Level::Error, &word.span)
        .about(&word.value)
        .message(message)
        .help(help)
        .fix(fix)
        .done()
}

/// Both lists with every word that has a likely meaning put right: several fixes of one container
/// want the same.
fn corrected(subject: &Subject) -> Wanted {
    let right = |words: &[Spanned<String>]| {
        let wrong =
            words.iter().any(|word| matches!(meaning(&word.value), Meaning::Unknown(Some(_))));
        let right = words.iter().map(|word| match meaning(&word.value) {
            Meaning::Unknown(Some(meant)) => meant,
            _ => word.value.clone(),
        });
        wrong.then(|| right.collect())
    };
    let settings = &subject.container.settings;
    Wanted {
        cap_add: right(&settings.cap_add),
        cap_drop: right(&settings.cap_drop),
        ..Wanted::default()
    }
}

enum Meaning {
    Known,
    Unknown(Option<String>),
}

/// What a word of `cap_add` or `cap_drop` means to an engine.
fn meaning(word: &str) -> Meaning {
    let bare = |capability: Capability| {
        let name = capability.to_string();
        name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
    };
    // A variable stands for a word that is not known here.
    if word.eq_ignore_ascii_case("ALL") || word.contains('$') {
        return Meaning::Known;
    }
    if word.eq_ignore_ascii_case("CAP_ALL") {
        return Meaning::Unknown(Some("ALL".to_owned()));
    }
    match parse_capability(word) {
        // dropcap reads numbers, engines do not.
        Ok(capability) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            Meaning::Unknown(Some(bare(capability)))
        }
        Ok(_) => Meaning::Known,
        Err(error) => Meaning::Unknown(error.nearest.map(bare)),
    }
}
