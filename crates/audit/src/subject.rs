//! What a rule looks at: one container, with all that is known of it.

use crate::analysis::ASSUMED_EXECUTABLE;
use crate::draft::Draft;
use crate::fix::{Mend, evidence_gap};
use crate::proof::Before;
use crate::rules::{PODS_BASELINE, Rule};
use crate::wording::Wording;
use crate::{Analysis, Finding, Input, Level, Plan, States};
use dropcap_capability::{Capability, CapabilitySet, DoorKind};
use dropcap_engine::{DOCKER_DEFAULTS, EngineVersion, capability_named};
use dropcap_image::Image;
use dropcap_manifest::{Container, Engine, Kind, PrivilegeStep, Spanned, Starter};
use dropcap_policy::{EvidenceGap, Workload};
use std::ops::Range;

/// What a Dockerfile begins with that begins with nothing.
const NO_IMAGE: &str = "scratch";

/// One container with all that is known of it.
pub struct Subject<'a> {
    /// As it is written.
    pub container: &'a Container,
    /// As it starts.
    pub analysis: &'a Analysis,
    /// The engine that starts it.
    pub engine: &'a EngineVersion,
    /// Its image, if it was read.
    pub image: Option<&'a Image>,
    /// What its entrypoint script does with privilege.
    pub steps: &'a [PrivilegeStep],
    /// What becomes of that script.
    pub mend: Option<&'a Mend>,
    /// What the policy says of it.
    pub workload: Option<&'a Workload>,
    /// What a fix would make of it.
    pub plan: &'a Plan,
    /// Everything around it.
    pub input: &'a Input,
}

/// A capability that is added and can be held.
pub(crate) struct Added<'a> {
    /// The word that adds it.
    pub word: &'a Spanned<String>,
    /// Which one.
    pub capability: Capability,
    /// Whether the policy allows it, or the catalogue learnt that it is needed.
    pub is_allowed: bool,
    /// Whether the engine gives it anyway.
    pub is_default: bool,
}

impl<'a> Subject<'a> {
    /// The capabilities that are added by name and can be held. None of a privileged container, which
    /// holds all of them whatever is added.
    pub fn added(&self) -> Vec<Added<'a>> {
        let Some(states) = self.states().filter(|_| !self.is_privileged()) else {
            return Vec::new();
        };
        let allowed = match self.workload {
            Some(workload) => Some(workload.allow | workload.setup),
            None => self.plan.learnt.map(|entry| entry.allow),
        };
        let words = self.container.settings.cap_add.iter();
        words
            .filter_map(|word| Some((word, self.named(word)?)))
            .filter(|(_, capability)| states.reachable.set.contains(*capability))
            .map(|(word, capability)| Added {
                word,
                capability,
                is_allowed: allowed.is_some_and(|allowed| allowed.contains(capability)),
                is_default: states.defaults.contains(capability),
            })
            .collect()
    }

    /// The finding that `added` is worth something to whoever holds it.
    pub fn finding_of_added(
        &self,
        rule: &'static Rule,
        level: Level,
        added: &Added,
        help: &str,
    ) -> Finding {
        let Added { capability, .. } = added;
        let allowed = match (added.is_allowed, self.workload) {
            (false, _) => "",
            (true, Some(_)) => " (the policy allows it)",
            (true, None) => " (the catalogue learnt that it needs it)",
        };
        let (name, opens) = (self.name(), capability.opens());
        let baseline = DOCKER_DEFAULTS.without(Capability::NET_RAW);
        let mut draft = self.finding(rule, level, &added.word.span);
        if self.is_in_pod() && !baseline.contains(*capability) {
            draft = draft.references(&[PODS_BASELINE, "capabilities(7)"]);
        }
        draft
            .about(&capability.to_string())
            .message(format!("{name} adds {capability}{allowed}: whoever holds it can {opens}"))
            .help(help)
            .done()
    }

    /// What stands between the policy's evidence and this container; `None` too without a policy.
    pub fn evidence_gap(&self) -> Option<EvidenceGap> {
        let engine = self.engine.name();
        evidence_gap(self.container, self.workload?, self.input, engine, self.mend)
    }

    /// Its states, if it starts.
    pub fn states(&self) -> Option<&'a States> {
        self.analysis.states()
    }

    /// What it is called in a message.
    pub fn name(&self) -> String {
        match self.container.kind {
            Kind::Compose => format!("service `{}`", self.container.subject()),
            Kind::Kubernetes => format!("container `{}`", self.container.subject()),
            Kind::Dockerfile => match self.container.subject() {
                "final" => "the image".to_owned(),
                stage => format!("the image of stage `{stage}`"),
            },
            Kind::CommandLine => match &self.container.image {
                Some(image) => format!("the container of `{}`", image.value),
                None => "the container".to_owned(),
            },
        }
    }

    /// The engine's name as its makers write it.
    pub const fn engine_name(&self) -> &'static str {
        match self.engine.engine {
            Engine::Docker => "Docker",
            Engine::Podman => "Podman",
            Engine::OpenShell => "OpenShell",
            Engine::Containerd => "containerd",
        }
    }

    /// `if it is started with Docker's defaults, ` where nothing says how it is started.
    pub fn premise(&self) -> &'static str {
        match (self.container.starter, self.engine.engine) {
            (Starter::Known, _) => "",
            (Starter::Assumed, Engine::Podman) => "if it is started with Podman's defaults, ",
            (Starter::Assumed, Engine::Containerd) => {
                "if it is started with containerd's defaults, "
            }
            (Starter::Assumed, _) => "if it is started with Docker's defaults, ",
        }
    }

    /// Whether `privileged` is set.
    pub fn is_privileged(&self) -> bool {
        self.container.settings.privileged.as_ref().is_some_and(|privileged| privileged.value)
    }

    /// Whether everything is dropped, so that only what is added by name is left.
    pub fn drops_all(&self) -> bool {
        let all = |word: &Spanned<String>| word.value.eq_ignore_ascii_case("ALL");
        !self.is_privileged() && self.container.settings.cap_drop.iter().any(all)
    }

    /// Whether it starts as root and holds every capability that it adds by a right name: what it adds
    /// otherwise is worth its right name too.
    pub fn adds_what_is_held(&self) -> bool {
        let Some(states) = self.states().filter(|states| states.is_root()) else { return false };
        let held = states.first.credentials.permitted;
        let mut added = self.container.settings.cap_add.iter().filter_map(|word| self.named(word));
        added.all(|capability| held.contains(capability))
    }

    /// The user that it runs as, for a message.
    pub fn user(&self) -> String {
        match &self.container.settings.user {
            Some(user) if !user.value.is_empty() => format!("user `{}`", user.value),
            _ => match self.states() {
                Some(states) if !states.is_root() => {
                    format!("uid {}", states.first.credentials.uid.effective)
                }
                _ if self.user_is_known() => "root".to_owned(),
                _ => "root (unless its image sets another user; it is not read)".to_owned(),
            },
        }
    }

    /// Proves that with only `words` in `cap_add` nothing changes for the process tree.
    ///
    /// # Errors
    /// What stands in the way, as the end of a sentence.
    pub fn prove_enough(&self, words: &[String]) -> Result<(), String> {
        let states = self.states().ok_or("it does not start")?;
        let mut settings = self.container.settings.clone();
        settings.cap_add.retain(|added| words.contains(&added.value));
        let what = Before { container: self.container, states, image: self.image };
        what.prove_same_after(&settings, self.input, self.engine)
    }

    /// Whether the user was read: in the container's file, in its Dockerfile or in its image. A
    /// Dockerfile without `USER` has that of the image that it begins with.
    pub fn user_is_known(&self) -> bool {
        let container = self.container;
        container.settings.user.is_some()
            || container.base.as_deref() == Some(NO_IMAGE)
            || container.engine == Engine::OpenShell
            || self.image.is_some()
    }

    /// Whether it is a container of a pod.
    pub fn is_in_pod(&self) -> bool {
        self.container.kind == Kind::Kubernetes
    }

    /// What its settings are called where it is written.
    pub fn wording(&self) -> &'static Wording {
        Wording::of(self.container.kind)
    }

    /// The capability that a word of its settings stands for with its engine.
    pub fn named(&self, word: &Spanned<String>) -> Option<Capability> {
        capability_named(&word.value, self.container.engine)
    }

    /// Starts a finding at `span`, in whichever file that lies.
    pub fn finding(&self, rule: &'static Rule, level: Level, span: &Range<usize>) -> Draft {
        let (file, span) = self.container.place(span);
        self.draft(rule, level, file, span)
    }

    /// Starts a finding at a place of any file.
    pub fn draft(
        &self,
        rule: &'static Rule,
        level: Level,
        file: &str,
        span: Range<usize>,
    ) -> Draft {
        let draft = Draft::new(rule, level, &self.container.id, file, span);
        if self.is_in_pod() { draft.references(rule.in_pods) } else { draft }
    }

    /// Starts a finding about the whole container.
    pub fn finding_at_name(&self, rule: &'static Rule, level: Level) -> Draft {
        self.draft(rule, level, &self.container.file, self.container.span.clone())
    }

    /// The files of an image that was read by which privilege comes back, in words, and what comes.
    /// Of an image that was not read there is no file to name, and under no_new_privs none counts.
    pub(crate) fn ways_back(
        &self,
        is_meant: impl Fn(DoorKind) -> bool,
    ) -> Option<(String, CapabilitySet)> {
        /// So many files are named; the rest is counted.
        const SHOWN: usize = 5;
        let states = self.states().filter(|_| self.image.is_some())?;
        let doors: Vec<_> = states.doors.iter().filter(|door| is_meant(door.kind)).collect();
        if doors.is_empty() || states.first.credentials.no_new_privs {
            return None;
        }
        let mut paths: Vec<_> = doors.iter().take(SHOWN).map(|door| door.path.clone()).collect();
        if doors.len() > SHOWN {
            paths.push(format!("and {} more", doors.len() - SHOWN));
        }
        let gains = doors.iter().fold(CapabilitySet::EMPTY, |all, door| all | door.gains);
        Some((paths.join(", "), gains))
    }

    /// By which executable the bounding set is reached, for a message.
    pub fn through(&self, states: &States) -> String {
        match states.doors.as_slice() {
            [] => "by its own capabilities".to_owned(),
            [door] if door.path == ASSUMED_EXECUTABLE => {
                "through a setuid-root executable (the image is not read; most hold one)".to_owned()
            }
            [door] => format!("through {}", door.path),
            [door, rest @ ..] => format!("through {} and {} other files", door.path, rest.len()),
        }
    }
}
