//! Whether the policy's evidence speaks of a container, and what it was learned with.

use super::{Because, Mend};
use crate::Input;
use dropcap_manifest::{Container, Settings};
use dropcap_policy::{EvidenceGap, Workload, command_hash, text_hash};

/// What stands between a workload's evidence and a container that `engine` is to run, with its
/// entrypoint's script as it is written or as `mend` makes it.
pub fn evidence_gap(
    container: &Container,
    workload: &Workload,
    input: &Input,
    engine: &str,
    mend: Option<&Mend>,
) -> Option<EvidenceGap> {
    let digests = input.digests_of(container);
    let written = workload.script_hash().and_then(|_| script_hash(container, input));
    let mended = mend.filter(|_| written.is_some()).map(Mend::hash);
    let scripts: Vec<&str> = written.as_deref().into_iter().chain(mended).collect();
    match workload.evidence_gap(&digests, &started_with(container), engine, &scripts)? {
        // A file that is named alone comes without the scripts beside it.
        EvidenceGap::OtherScript { script: Some(script) } if !was_read(&script, input) => {
            Some(EvidenceGap::UnreadScript { script })
        }
        gap => Some(gap),
    }
}

/// Whether a file of this name was read, however the policy's folder lies to it.
fn was_read(script: &str, input: &Input) -> bool {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    input.sources.keys().any(|path| name(path) == name(script))
}

/// The name of the text of the script that a container's entrypoint runs, as it is written; `None` where
/// that lies in its image, whose digest speaks of it too.
pub fn script_hash(container: &Container, input: &Input) -> Option<String> {
    container.script_mount()?;
    let script = container.entrypoint_script.as_deref()?;
    input.source(script).map(text_hash)
}

/// Evidence, or what is missing.
pub(super) fn without_proof(
    gap: String,
    container: &Container,
    workload: Option<&Workload>,
    input: &Input,
    engine: &str,
    mend: Option<&Mend>,
) -> Because {
    let Some(workload) = workload else {
        return Because::Unproved(format!("nothing proves that it needs no more: {gap}"));
    };
    if let Some(gap) = evidence_gap(container, workload, input, engine, mend) {
        return Because::Unproved(format!("the policy's workload `{}` {gap}", workload.name));
    }
    match mend.filter(|mend| mend.is_learned_by(workload)).map(|mend| (mend, mend.because())) {
        // The set alone would go to the script as it is written.
        Some((mend, Because::Unproved(reason))) => Because::Unproved(format!(
            "the policy's workload `{}` was learned with {} mended: {reason}",
            workload.name,
            mend.file()
        )),
        _ => Because::Evidence,
    }
}

/// The name of what a container is started with: its user, its entrypoint and its command, as far as
/// they are written. What the image says itself goes with the image's digest.
///
/// ```
/// # use dropcap_manifest::{Format, read_as};
/// # use dropcap_audit::started_with;
/// let read = |text: &str| read_as(Format::Compose, "compose.yaml", text.as_bytes()).containers.remove(0);
/// let one = read("services: {a: {image: x, command: [serve]}}");
/// let other = read("services: {a: {image: x, command: [serve, fast]}}");
/// assert_ne!(started_with(&one), started_with(&other));
/// ```
pub fn started_with(container: &Container) -> String {
    let Settings { user, run_as_group, entrypoint, command, .. } = &container.settings;
    let mut words = vec![user.as_ref().map_or("", |user| user.value.as_str())];
    for list in [entrypoint, command] {
        words.push(if list.is_some() { "written" } else { "the image's" });
        words.extend(list.iter().flat_map(|list| &list.value).map(String::as_str));
    }
    words.extend(run_as_group.iter().map(|group| group.value.as_str()));
    command_hash(words)
}

/// What would make a container's fixes safe: a line that learns, or what only a person can say.
pub(super) fn remedy(
    container: &Container,
    workload: Option<&Workload>,
    input: &Input,
    engine: &str,
    mend: Option<&Mend>,
) -> String {
    let learn = learn_line(container, workload);
    match workload.and_then(|known| evidence_gap(container, known, input, engine, mend)) {
        // Learning takes away nothing that somebody allows, and accepts nothing.
        Some(EvidenceGap::Unseen(set)) => {
            format!(
                "taking {set} out of the policy's `allow`, or a test that fails without it in {learn}"
            )
        }
        Some(EvidenceGap::Refused(set)) => {
            format!(
                "`accepted = true` beside {set} in the policy, from somebody who has looked at it"
            )
        }
        _ => learn,
    }
}

/// The line that would learn what the container needs.
fn learn_line(container: &Container, workload: Option<&Workload>) -> String {
    let test = workload.and_then(|workload| workload.test.as_deref()).unwrap_or("CMD");
    let quoted = test.replace('\'', r"'\''");
    format!("`dropcap learn --test '{quoted}' {}`", container.id)
}
