//! `cap-name-rejected`

use super::{Check, PODS_RESTRICTED, Rule, page};
use crate::fix::Because;
use crate::subject::Subject;
use crate::{Finding, Level};
use dropcap_capability::{Capability, parse_capability};
use dropcap_manifest::{Engine, Spanned, Wanted};

pub(super) static RULE: Rule = Rule {
    name: "cap-name-rejected",
    summary: "a capability is spelt in a way that its engine, or who admits the pod, does not take",
    page: page!("cap-name-rejected"),
    references: &["containerd: opts.WithCapabilities"],
    in_pods: &[PODS_RESTRICTED, "containerd: opts.WithCapabilities"],
    check: Check::Container(check),
};

/// What is wrong with a word.
enum Spelling {
    /// containerd puts `CAP_` before it once more, so that it names nothing.
    Prefixed(Capability),
    /// The engine takes any case, admission by the Pod Security Standards does not.
    Case,
}

fn check(subject: &Subject) -> Vec<Finding> {
    if subject.container.engine != Engine::Containerd || subject.is_privileged() {
        return Vec::new();
    }
    let settings = &subject.container.settings;
    let (add, drop) = (&settings.cap_add, &settings.cap_drop);
    let of = |words: &[Spanned<String>], is_drop: bool| {
        let wrong = words.iter().filter_map(|word| Some((word, spelling(subject, word)?)));
        wrong.map(|(word, spelling)| finding(subject, word, &spelling, is_drop)).collect::<Vec<_>>()
    };
    let mut findings = of(drop, true);
    findings.extend(of(add, false));
    findings
}

fn spelling(subject: &Subject, word: &Spanned<String>) -> Option<Spelling> {
    let upper = word.value.to_ascii_uppercase();
    let takes = upper == "ALL" || subject.named(word).is_some();
    if takes {
        return (upper != word.value).then_some(Spelling::Case);
    }
    let named = upper.starts_with("CAP_").then(|| parse_capability(&word.value).ok());
    named.flatten().map(Spelling::Prefixed)
}

/// The spelling that is taken.
fn right(subject: &Subject, word: &Spanned<String>) -> String {
    let upper = word.value.to_ascii_uppercase();
    match spelling(subject, word) {
        Some(Spelling::Prefixed(_)) => upper.trim_start_matches("CAP_").to_owned(),
        Some(Spelling::Case) => upper,
        None => word.value.clone(),
    }
}

fn finding(
    subject: &Subject,
    word: &Spanned<String>,
    spelling: &Spelling,
    is_drop: bool,
) -> Finding {
    let (written, right_word) = (&word.value, right(subject, word));
    let list = if is_drop { "drop" } else { "add" };
    let (level, message, because) = match spelling {
        Spelling::Prefixed(capability) => {
            let outcome = match (is_drop, subject.states()) {
                (true, Some(states)) if states.bounding().contains(*capability) => {
                    (Level::Error, format!("drops nothing: it keeps {capability}"))
                }
                (true, _) => (Level::Warning, "drops nothing".to_owned()),
                (false, _) => (Level::Warning, "adds nothing".to_owned()),
            };
            let message = format!(
                "in {}, `{written}` {}, and nobody says so: containerd puts CAP_ before each name",
                subject.name(),
                outcome.1
            );
            let because = format!("with {right_word} it {list}s what it does not {list} now");
            (outcome.0, message, Because::Unproved(because))
        }
        Spelling::Case => {
            let message = format!(
                "{} writes `{written}`: containerd takes it, but a namespace that enforces the \
                 restricted Pod Security Standard compares letter by letter",
                subject.name()
            );
            (Level::Note, message, Because::Proof)
        }
    };
    let does = format!("`{written}` becomes {right_word}");
    let is_enough = if is_drop { subject.drops_all() } else { subject.adds_what_is_held() };
    // A list that does not drop everything has a better fix.
    let fix =
        is_enough.then(|| subject.plan.fix(because, does, corrected(subject, is_drop))).flatten();
    subject
        .finding(&RULE, level, &word.span)
        .about(&format!("{list} {written}"))
        .message(message)
        .help(format!("write {right_word}"))
        .fix(fix)
        .done()
}

/// The list with each word in the spelling that is taken: several fixes of one list want the same.
fn corrected(subject: &Subject, is_drop: bool) -> Wanted {
    let settings = &subject.container.settings;
    let list = |words: &[Spanned<String>]| {
        let mut list: Vec<String> = Vec::new();
        for word in words.iter().map(|word| right(subject, word)) {
            if !list.contains(&word) {
                list.push(word);
            }
        }
        Some(list)
    };
    if is_drop {
        Wanted { cap_drop: list(&settings.cap_drop), ..Wanted::default() }
    } else {
        Wanted { cap_add: list(&settings.cap_add), ..Wanted::default() }
    }
}
