//! What a policy means.

use crate::matching::{Closeness, Match, Pattern, Running};
use crate::{Date, EvidenceGap, ParseError, reader};
use dropcap_capability::{Capability, CapabilitySet};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A whole `dropcap.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Where it was read from; `None` for text at hand.
    pub path: Option<PathBuf>,
    /// Its workloads, in order.
    pub workloads: Vec<Workload>,
    /// What is knowingly left as it is, in order.
    pub waivers: Vec<Waiver>,
}

/// What one workload may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its name, once in a policy.
    pub name: String,
    /// All that it may hold.
    pub allow: CapabilitySet,
    /// What its first process holds until it drops it itself; never what an exec gets.
    pub setup: CapabilitySet,
    /// Whether execve may grant nothing; true unless said otherwise.
    pub no_new_privileges: bool,
    /// Whether it may make user namespaces; false unless said otherwise.
    pub user_namespaces: bool,
    /// The command that tells whether it works.
    pub test: Option<String>,
    /// Which containers it is.
    pub matches: Vec<Match>,
    /// Why each capability is here, or is not.
    pub evidence: BTreeMap<Capability, Evidence>,
    /// On what the evidence was gathered.
    pub provenance: Option<Provenance>,
}

/// What was learnt of one capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What was seen.
    pub verdict: Verdict,
    /// For what, in words.
    pub because: String,
    /// Whether somebody has looked at a refusal and takes it.
    pub accepted: bool,
}

/// How far the evidence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The test fails without it.
    Needed,
    /// It was seen in use; the test was not tried without it.
    Used,
    /// The kernel refused it, and the test passed all the same.
    RefusedButPassed,
}

/// Where evidence comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provenance {
    /// The image that ran, `sha256:…`.
    pub image_digest: Option<String>,
    /// What it was started with, as [`command_hash`](crate::command_hash) names it.
    pub command_hash: Option<String>,
    /// The script that its entrypoint runs, where that was mounted.
    pub script: Option<String>,
    /// That script's text, as [`text_hash`](crate::text_hash) names it.
    pub script_hash: Option<String>,
    /// The engine and its version.
    pub engine: Option<String>,
    /// The kernel's version.
    pub kernel: Option<String>,
    /// What was run.
    pub phases: Vec<String>,
    /// When.
    pub date: Option<Date>,
}

/// A finding that is knowingly left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The rule.
    pub rule: String,
    /// The containers, a glob over ids.
    pub container: Pattern,
    /// Why.
    pub reason: String,
    /// The last day on which it counts; `None`: for ever.
    pub until: Option<Date>,
    /// The line of the file on which its rule stands.
    pub line: usize,
}

impl Waiver {
    /// Whether it still counts on `today`.
    pub fn is_current(&self, today: Date) -> bool {
        self.until.is_none_or(|until| today <= until)
    }

    /// Whether it speaks of `rule` in the container with this id.
    pub fn covers(&self, rule: &str, container: &str) -> bool {
        self.rule == rule && self.container.matches(container)
    }
}

impl Workload {
    /// How closely it speaks of a container, if it does.
    fn closeness(&self, running: &Running) -> Option<Closeness> {
        self.matches.iter().filter_map(|one| one.of_running(running)).max()
    }

    /// What stands between this workload's evidence and what is to run: nothing where `allow` and
    /// the rest were learnt on this very image and command, each allowed capability was seen to be
    /// needed or used, and no refusal is left to look at.
    ///
    /// `digests` are all names of the image that is to run, `command` the hash of what it is started with,
    /// `engine` the name of what is to run it, `scripts` the hashes of the texts that its entrypoint's script
    /// has or is to have.
    pub fn evidence_gap(
        &self,
        digests: &[&str],
        command: &str,
        engine: &str,
        scripts: &[&str],
    ) -> Option<EvidenceGap> {
        let Some(digest) = self.provenance.as_ref().and_then(|from| from.image_digest.as_deref())
        else {
            return Some(EvidenceGap::None);
        };
        if digests.is_empty() {
            return Some(EvidenceGap::UnknownImage);
        }
        if !digests.contains(&digest) {
            return Some(EvidenceGap::OtherImage { learned: digest.to_owned() });
        }
        let learned = self.provenance.as_ref().and_then(|from| from.command_hash.as_deref());
        if learned.is_some_and(|hash| hash != command) {
            return Some(EvidenceGap::OtherCommand);
        }
        let learned = self.provenance.as_ref().and_then(|from| from.engine.as_deref());
        if let Some(learned) = learned.filter(|learned| is_another_engine(learned, engine)) {
            return Some(EvidenceGap::OtherEngine { learned: learned.to_owned() });
        }
        if self.script_hash().is_some_and(|learned| !scripts.contains(&learned)) {
            let script = self.provenance.as_ref().and_then(|from| from.script.clone());
            return Some(EvidenceGap::OtherScript { script });
        }
        let unseen = |capability: &Capability| {
            let verdict = self.evidence.get(capability).map(|evidence| evidence.verdict);
            !matches!(verdict, Some(Verdict::Needed | Verdict::Used))
        };
        let unseen: CapabilitySet = self.allow.iter().filter(unseen).collect();
        if !unseen.is_empty() {
            return Some(EvidenceGap::Unseen(unseen));
        }
        let refused = |(_, evidence): &(&Capability, &Evidence)| {
            evidence.verdict == Verdict::RefusedButPassed && !evidence.accepted
        };
        let refused: CapabilitySet =
            self.evidence.iter().filter(refused).map(|(capability, _)| *capability).collect();
        (!refused.is_empty()).then_some(EvidenceGap::Refused(refused))
    }

    /// The text of the script that it was learned with, by its hash.
    pub fn script_hash(&self) -> Option<&str> {
        self.provenance.as_ref()?.script_hash.as_deref()
    }
}

/// Between the engine that something was tried in and the one whose container it was made into, in every way
/// that bears on what it can do: `docker 28.5 as containerd`.
pub const STANDS_FOR: &str = " as ";

/// Whether evidence of `learned`, an engine's name and version, says nothing of `engine`, whose defaults
/// and whose seccomp profile are others. OpenShell starts its containers with Docker.
fn is_another_engine(learned: &str, engine: &str) -> bool {
    const ENGINES: [&str; 3] = ["docker", "podman", "containerd"];
    let below = if engine == "openshell" { "docker" } else { engine };
    let learned = learned.split_once(STANDS_FOR).map_or(learned, |(_, other)| other);
    let learned = learned.split(' ').next().unwrap_or_default();
    ENGINES.contains(&learned) && ENGINES.contains(&below) && learned != below
}

impl Policy {
    /// Reads a policy's text.
    ///
    /// # Errors
    /// Text that is no TOML, an unknown key, a name that is no capability (with the nearest right
    /// one), a workload named twice, a waiver without a reason: the first, with line and column.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        reader::read(text)
    }

    /// The workload of this name.
    pub fn workload(&self, name: &str) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.name == name)
    }

    /// The workload that the container with this id and image is: the first that names the
    /// container, else the first that names its image.
    pub fn workload_for(&self, container: &str, image: Option<&str>) -> Option<&Workload> {
        let find = |named: &dyn Fn(&Match) -> bool| {
            self.workloads.iter().find(|workload| workload.matches.iter().any(named))
        };
        find(&|one| matches!(one, Match::Container(pattern) if pattern.matches(container))).or_else(
            || {
                let image = image?;
                find(&|one| matches!(one, Match::Image(pattern) if pattern.matches_image(image)))
            },
        )
    }

    /// The workload that a running container is: the first that names it (by name, Compose service
    /// or Kubernetes container), else the first that speaks of a label or an annotation that it has,
    /// else the first that names its image.
    pub fn workload_of(&self, running: &Running) -> Option<&Workload> {
        let mut best = None;
        for workload in &self.workloads {
            let closest = workload.closeness(running);
            if closest > best.map(|(closeness, _)| closeness) {
                best = closest.map(|closeness| (closeness, workload));
            }
        }
        best.map(|(_, workload)| workload)
    }

    /// The workloads that speak of one of them more closely than of the other.
    pub fn telling_apart(&self, one: &Running, other: &Running) -> impl Iterator<Item = &Workload> {
        self.workloads
            .iter()
            .filter(|workload| workload.closeness(one) != workload.closeness(other))
    }

    /// The waiver that counts on `today` for `rule` in the container with this id.
    pub fn waiver(&self, rule: &str, container: &str, today: Date) -> Option<&Waiver> {
        self.waivers
            .iter()
            .find(|waiver| waiver.covers(rule, container) && waiver.is_current(today))
    }
}
