//! Coming back to a privilege by executing a file that gives it: what the two doors of that kind
//! have in common.

use crate::execution::{Execution, execute, stops_before_running};
use crate::state::names;
use crate::trial::Authority;
use crate::{Answer, Attempt, Door, Scene, Verdict};
use dropcap_capability::{Capability, CapabilitySet, Credentials, Executable, execve};

/// How many files are tried: each takes a few milliseconds, and images have a dozen.
const MOST: usize = 256;

/// The files that one of the doors is about, in words.
pub(crate) struct Files {
    /// One of them, such as "a setuid file".
    pub one: &'static str,
    /// Whether a file is one.
    pub is: fn(&Executable) -> bool,
}

/// What executing a file gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Gain {
    capabilities: CapabilitySet,
    root: bool,
    user: Option<u32>,
    group: Option<u32>,
}

impl Gain {
    fn between(before: &Credentials, after: &Credentials) -> Self {
        // Whoever may become anybody gains nothing by becoming one.
        let other_user =
            !before.uid.has(after.uid.effective) && !before.permitted.contains(Capability::SETUID);
        let other_group = !before.gid.has(after.gid.effective)
            && !before.groups.contains(&after.gid.effective)
            && !before.permitted.contains(Capability::SETGID);
        Self {
            capabilities: after.permitted - before.permitted,
            root: other_user && after.uid.effective == 0,
            user: other_user.then_some(after.uid.effective),
            group: other_group.then_some(after.gid.effective),
        }
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// To tell which of two is the more.
    fn size(&self) -> (usize, bool, bool, bool) {
        (self.capabilities.len(), self.root, self.user.is_some(), self.group.is_some())
    }

    fn in_words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.user.map(|user| format!("user {user}")));
        words.extend(self.group.map(|group| format!("group {group}")));
        if !self.capabilities.is_empty() {
            words.push(self.capabilities.to_string());
        }
        if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
    }
}

/// One file, tried.
struct Tried<'a> {
    file: &'a Executable,
    gain: Gain,
    expected: Gain,
}

/// Executes every one of the scene's files of this kind, and judges.
pub(crate) fn attempt(door: &Door, files: &Files, scene: &Scene) -> Attempt {
    // A file of an owner that has no id here gives nothing here, whatever it gives elsewhere.
    let unshowable = scene.cannot_show(Authority::Initial);
    let counts =
        |file: &&Executable| (files.is)(file) && (unshowable.is_none() || file.uid.is_some());
    let candidates: Vec<&Executable> =
        scene.executables.found.iter().filter(counts).take(MOST).collect();
    let text = format!("execve({})", files.one);
    let not_tried = |reason: &str| Attempt::not_tried(door.name, false, &text, reason);
    let mut judged = Attempt {
        verdict: Verdict::Closed,
        result: Gain::default().in_words(),
        expected: Some(Gain::default().in_words()),
        ..not_tried("")
    };
    if let Some(reason) = unshowable.filter(|_| !scene.environment.uids.maps(0)) {
        return not_tried(reason);
    }
    if candidates.is_empty() {
        let kind = files.one.trim_start_matches("a ");
        if let Some(reason) = unshowable {
            return not_tried(reason);
        }
        if !scene.executables.complete {
            return not_tried(&format!(
                "no {kind} was found, but not everything could be searched ({} entries were)",
                scene.executables.entries
            ));
        }
        judged.because = format!("there is no {kind} here");
        return judged;
    }
    match stops_before_running() {
        Ok(true) => {}
        Ok(false) => {
            return not_tried(
                "this kernel does not stop a program before it runs, so a strange one is not started",
            );
        }
        Err(error) => return not_tried(&format!("no child could be made for it: {error}")),
    }
    let mut tried = Vec::new();
    let mut refused = Vec::new();
    for file in &candidates {
        match execute(&file.path) {
            Ok(Execution::Became(after)) => tried.push(Tried {
                file,
                gain: Gain::between(&scene.credentials, &after),
                expected: expected(file, scene),
            }),
            Ok(Execution::Refused(answer)) => refused.push((*file, answer)),
            Ok(Execution::Hidden) => {
                return not_tried("/proc does not show what a process of another user has become");
            }
            Ok(Execution::Ran) => return not_tried("a program was not stopped before it ran"),
            Err(error) => return not_tried(&format!("no child could be made for it: {error}")),
        }
    }
    judge(judged, &tried, &refused, scene)
}

/// What the model says that executing `file` gives.
fn expected(file: &Executable, scene: &Scene) -> Gain {
    execve(&scene.credentials, file, &scene.environment)
        .map(|after| Gain::between(&scene.credentials, &after))
        .unwrap_or_default()
}

fn judge(
    judged: Attempt,
    tried: &[Tried<'_>],
    refused: &[(&Executable, Answer)],
    scene: &Scene,
) -> Attempt {
    let expected = tried.iter().max_by_key(|one| one.expected.size());
    let expected = expected.map(|one| one.expected.in_words());
    let expected = expected.or(judged.expected);
    let (Some(best), opening) = (
        tried.iter().max_by_key(|one| one.gain.size()),
        tried.iter().filter(|one| !one.gain.is_nothing()).count(),
    ) else {
        // Every one of them was refused.
        let because = refused.first().map_or_else(String::new, |(file, answer)| {
            format!("the kernel refuses to execute {} ({answer}), and each other one", file.path)
        });
        let result = refused.first().map_or(judged.result, |(_, answer)| answer.to_string());
        return Attempt { because, expected: Some(result.clone()), result, ..judged };
    };
    let result = best.gain.in_words();
    let attempt = format!("execve({})", best.file.path);
    if opening == 0 {
        let because = format!(
            "{} such {} executed, and none gave anything: {}",
            tried.len(),
            if tried.len() == 1 { "file was" } else { "files were" },
            why_nothing(best.file, scene)
        );
        return Attempt { because, attempt, result, expected, ..judged };
    }
    let all: CapabilitySet =
        tried.iter().fold(CapabilitySet::EMPTY, |all, one| all | one.gain.capabilities);
    let others = match opening - 1 {
        0 => String::new(),
        1 => ", and so does one more file".to_owned(),
        more => format!(", and so do {more} more files"),
    };
    let gives = match (best.gain.capabilities.len(), best.gain.root) {
        (0, true) => "makes user 0, who owns root's files, with no capability".to_owned(),
        (0, false) => format!("makes it {}", best.gain.in_words()),
        (count, true) => format!("makes user 0 with {count} of the capabilities that were dropped"),
        (count, false) => format!("gives {count} of the capabilities that were dropped"),
    };
    Attempt {
        verdict: Verdict::Open,
        because: format!("{} {gives}{others}", best.file.path),
        attempt,
        result,
        expected,
        gains: names(all),
        witness: vec![
            format!(
                "user {} holds {}",
                scene.credentials.uid.effective, scene.credentials.permitted
            ),
            format!("execve({}): {}", best.file.path, best.gain.in_words()),
        ],
        ..judged
    }
}

/// Why a file that gives a privilege gave none.
fn why_nothing(file: &Executable, scene: &Scene) -> &'static str {
    if scene.credentials.no_new_privs {
        "no_new_privs is set, so that execve grants nothing"
    } else if file.nosuid {
        "they are on a filesystem that is mounted nosuid"
    } else {
        "the process has already what they would give, or the bounding set leaves nothing of it"
    }
}
