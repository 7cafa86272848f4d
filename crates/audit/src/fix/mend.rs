//! What the fixes of an entrypoint's script make of it, all of them together.
//!
//! A script is mended as a whole or not at all: what `learn` tried is the whole, and a step that is left
//! as it was may fail where the one before it is another.

use super::evidence::{evidence_gap, remedy};
use super::script_step::{Replaced, is_mended, replace_step};
use super::{Because, Change, FileEdit, Fix};
use crate::{Input, Options};
use dropcap_manifest::{Container, Document, Edit, Kind, Wanted, apply};
use dropcap_policy::{Workload, text_hash};

/// Where a mended script finds `dropcap`: in the first folder of most images' `PATH` that is not the
/// distribution's.
pub const DROPCAP_AT: &str = "/usr/local/bin/dropcap";

/// The reason where nothing was tried.
const UNTRIED: &str =
    "the image needs the `dropcap` binary, and the command may need what is taken";

/// A script of the tree, mended.
#[derive(Debug, Clone)]
pub struct Mend {
    file: String,
    text: Vec<u8>,
    hash: String,
    written: String,
    /// What each step would become.
    steps: Vec<Option<Replaced>>,
    /// The edits of those that the rules find fault with.
    edits: Vec<FileEdit>,
    mounts: Vec<Mounting>,
    can_be_tried: bool,
    because: Because,
    notes: Vec<String>,
}

/// A service that is given `dropcap` with its script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounting {
    /// Its file, as it is shown.
    pub file: String,
    /// Its id.
    pub container: String,
    /// What its file should say.
    pub wanted: Wanted,
}

impl Mend {
    /// Works out what becomes of a script; `None` where its text is not at hand.
    pub(crate) fn of(script: &Document, input: &Input, options: &Options) -> Option<Self> {
        let source = input.source(&script.path)?;
        let positions = 0..script.steps.len();
        let steps: Vec<_> = positions.map(|at| replace_step(&script.steps, at, source)).collect();
        let faulty = script.steps.iter().zip(&steps).filter(|(step, _)| is_mended(step));
        let edits: Vec<FileEdit> =
            faulty.filter_map(|(_, becomes)| Some(becomes.as_ref()?.edit.clone())).collect();
        let whole: Vec<Edit> = edits
            .iter()
            .map(|edit| Edit { start: edit.start, end: edit.end, text: edit.text.clone() })
            .collect();
        let text = apply(source, &whole);
        let mut mend = Self {
            file: script.path.clone(),
            hash: text_hash(&text),
            written: text_hash(source),
            text,
            steps,
            edits,
            mounts: Vec::new(),
            can_be_tried: false,
            because: Because::Unproved(UNTRIED.to_owned()),
            notes: vec![
                "`dropcap run` drops all five sets, reads them back, and executes nothing if one is \
                 fuller than allowed"
                    .to_owned(),
            ],
        };
        mend.bring_dropcap(input, options);
        Some(mend)
    }

    /// How `dropcap` comes to where the script looks for it, and what is known of how it works there.
    fn bring_dropcap(&mut self, input: &Input, options: &Options) {
        let runs = |one: &&Container| one.entrypoint_script.as_deref() == Some(self.file.as_str());
        let runners: Vec<&Container> = input.containers.iter().filter(runs).collect();
        let mountable = |one: &&&Container| {
            one.kind == Kind::Compose
                && one.script_mount().is_some_and(|mount| mount.read_only)
                && (has_dropcap(one) || options.dropcap.is_some())
        };
        let (given, others): (Vec<&Container>, Vec<&Container>) =
            runners.iter().copied().partition(|one| mountable(&one));
        self.can_be_tried = !self.edits.is_empty() && !given.is_empty() && others.is_empty();
        for container in given.into_iter().filter(|one| !has_dropcap(one)) {
            let Some(dropcap) = &options.dropcap else { continue };
            self.mounts.push(Mounting {
                file: container.file.clone(),
                container: container.id.clone(),
                wanted: Wanted {
                    add_mounts: vec![format!("{dropcap}:{DROPCAP_AT}:ro")],
                    ..Wanted::default()
                },
            });
        }
        self.notes.push(match (&options.dropcap, self.mounts.is_empty()) {
            (Some(dropcap), false) => format!(
                "{dropcap} is mounted at {DROPCAP_AT}: it has to be there wherever the service is \
                 started; without, the script ends there and starts nothing"
            ),
            _ => format!("the image has to bring `dropcap`: `COPY dropcap {DROPCAP_AT}`"),
        });
        if !self.can_be_tried {
            return;
        }
        self.because = Because::Evidence;
        for container in runners {
            let id = options.policy_id(&container.id);
            let image = container.image.as_ref().map(|image| image.value.as_str());
            let policy = input.policy.as_ref();
            let workload = policy.and_then(|policy| policy.workload_for(&id, image));
            let engine = options.engine_for(container);
            if let Some(reason) = self.not_learned(container, workload, input, engine.name()) {
                let remedy = remedy(container, workload, input, engine.name(), Some(self));
                self.notes.push(format!("what would make it safe: {remedy}"));
                self.because = Because::Unproved(reason);
                return;
            }
        }
    }

    fn not_learned(
        &self,
        container: &Container,
        workload: Option<&Workload>,
        input: &Input,
        engine: &str,
    ) -> Option<String> {
        let Some(workload) = workload.filter(|workload| workload.provenance.is_some()) else {
            return Some(UNTRIED.to_owned());
        };
        let name = &workload.name;
        match evidence_gap(container, workload, input, engine, Some(self)) {
            Some(gap) => Some(format!("the policy's workload `{name}` {gap}")),
            None if self.is_learned_by(workload) => None,
            None => Some(format!(
                "the policy's workload `{name}` was learned with the script as it is written"
            )),
        }
    }

    /// The fix of the step at `position`, where its words can be carried over.
    pub(crate) fn fix(&self, position: usize) -> Option<Fix> {
        let Replaced { edit, does } = self.steps.get(position)?.as_ref()?;
        let (edits, because) = match self.edits.contains(edit) {
            true => (self.edits.clone(), self.because.clone()),
            false => (vec![edit.clone()], Because::Unproved(UNTRIED.to_owned())),
        };
        Some(Fix {
            tier: because.tier(),
            because,
            does: does.clone(),
            notes: self.notes.clone(),
            edits: Vec::new(),
            change: Change::Script { edits, mounts: self.mounts.clone() },
        })
    }

    /// The script, as it is shown.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Its text, mended.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The mended text's name.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether it is another text than the one that is written.
    pub fn changes(&self) -> bool {
        self.hash != self.written
    }

    /// Whether every container that runs the script can be started with the mended one: it is mounted,
    /// by itself and read-only, into Compose services that `dropcap` can be mounted into too.
    pub fn can_be_tried(&self) -> bool {
        self.can_be_tried
    }

    /// Whether the workload was learned with the mended text, and not with the one that is written.
    pub(crate) fn is_learned_by(&self, workload: &Workload) -> bool {
        self.changes() && workload.script_hash() == Some(&self.hash)
    }

    /// On what the fixes rest.
    pub(crate) fn because(&self) -> Because {
        self.because.clone()
    }
}

/// Whether something is mounted already where the script looks for `dropcap`.
fn has_dropcap(container: &Container) -> bool {
    container.settings.mounts.iter().any(|mount| mount.target == DROPCAP_AT)
}
