//! What a container should say in the end, and how sure that is.

use super::candidates::candidates;
use super::evidence::{remedy, without_proof};
use super::{Because, Change, Fix};
use crate::analysis::first_process;
use crate::catalogue::{Candidate, Known};
use crate::proof::{Before, broken};
use crate::script::Entrypoint;
use crate::sets::as_written;
use crate::{Analysis, Input, States};
use dropcap_capability::{Capability, CapabilitySet, Environment, reachable};
use dropcap_engine::{EngineVersion, capability_named};
use dropcap_image::Image;
use dropcap_manifest::{Container, Engine, Kind, PrivilegeStep, Settings, Spanned, Wanted};
use dropcap_policy::{Entry, Workload};

/// The entry of `security_opt` that sets no_new_privs; Docker's and Podman's spelling.
pub(crate) const NO_NEW_PRIVILEGES: &str = "no-new-privileges:true";

/// The sysctl by which ports below 1024 need no capability; ip-sysctl.
pub const LOW_PORTS: &str = "net.ipv4.ip_unprivileged_port_start";

/// The end that the fixes of one container lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is added back after everything is dropped.
    pub keep: CapabilitySet,
    /// Why each of them is kept.
    pub kept_for: Vec<(Capability, String)>,
    /// Whether no_new_privs is set.
    pub no_new_privileges: bool,
    /// Sysctls that stand in for a capability.
    pub sysctls: Vec<(String, String)>,
    /// On what the set rests.
    pub because: Because,
    /// What else there is to say: what `exec` gets, what cannot be expressed.
    pub notes: Vec<String>,
    /// The text of the entrypoint's script that the evidence speaks of, by its hash.
    pub script: Option<String>,
    /// Whether there is a text to change: a Dockerfile and an OpenShell line have no settings.
    pub editable: bool,
    /// Whether it is the container of a pod, which says no_new_privs in words of its own.
    is_in_pod: bool,
    file: String,
    container: String,
    /// The entry of the catalogue that was learnt for it; none where the policy speaks of it.
    pub(crate) learnt: Option<&'static Entry>,
    /// What would make its fixes safe.
    pub(crate) remedy: String,
}

impl Plan {
    /// Works out the plan of one container.
    pub(crate) fn of(
        container: &Container,
        analysis: &Analysis,
        image: Option<&Image>,
        script: Entrypoint,
        workload: Option<&Workload>,
        input: &Input,
        engine: &EngineVersion,
    ) -> Self {
        let editable = container.kind != Kind::Dockerfile && container.engine != Engine::OpenShell;
        let mut plan = Self {
            keep: CapabilitySet::EMPTY,
            kept_for: Vec::new(),
            no_new_privileges: workload.is_none_or(|workload| workload.no_new_privileges),
            sysctls: Vec::new(),
            because: Because::Proof,
            notes: Vec::new(),
            script: None,
            editable,
            is_in_pod: container.kind == Kind::Kubernetes,
            file: container.file.clone(),
            container: container.id.clone(),
            learnt: None,
            remedy: remedy(container, workload, input, engine.name(), script.mend),
        };
        let Some(states) = analysis.states() else {
            plan.because = Because::Unproved("it does not start as it is written".to_owned());
            return plan;
        };
        let known = match workload {
            Some(_) => None,
            None => Candidate { container, states, image, engine }.look_up(),
        };
        match (workload, known) {
            (Some(workload), _) => {
                let why = format!("workload `{}` of the policy", workload.name);
                plan.keep_all(
                    (workload.allow | workload.setup).iter().map(|one| (one, why.clone())),
                );
            }
            (None, Some(Known::Learnt(entry))) => {
                plan.learnt = Some(entry);
                plan.no_new_privileges = entry.no_new_privileges;
                let why = format!("`{}` of the catalogue", entry.name);
                plan.keep_all(entry.allow.iter().map(|one| (one, why.clone())));
            }
            (None, _) => plan.keep_all(shown_needs(container, states, script.steps)),
        }
        plan.express(container, states, image, engine);
        let mut emptied = Settings { cap_add: Vec::new(), ..plan.settings(&container.settings) };
        emptied.security_opt.push(Spanned::new(NO_NEW_PRIVILEGES.to_owned(), 0..0));
        if plan.is_in_pod {
            emptied.allow_privilege_escalation = Some(Spanned::new(false, 0..0));
        }
        let before = Before { container, states, image };
        plan.because = match before.prove_no_change(&emptied, input, engine) {
            Ok(()) => Because::Proof,
            Err(gap) => {
                plan.notes.extend(known.map(Known::note));
                match known {
                    Some(Known::Learnt(_)) => Because::Evidence,
                    _ => without_proof(gap, container, workload, input, engine.name(), script.mend),
                }
            }
        };
        if plan.because == Because::Evidence {
            let hash = workload.and_then(Workload::script_hash);
            plan.script = hash.map(str::to_owned);
        }
        if plan.because == Because::Proof && workload.is_none() {
            // Nothing is ever held, so nothing is worth keeping.
            plan.keep = CapabilitySet::EMPTY;
            plan.kept_for.clear();
            plan.notes.clear();
        }
        plan.note_broken(container, states, image, engine);
        plan
    }

    /// Says what could not be executed any more.
    fn note_broken(
        &mut self,
        container: &Container,
        states: &States,
        image: Option<&Image>,
        engine: &EngineVersion,
    ) {
        let planned = self.settings(&container.settings);
        let Ok(after) = first_process(&planned, image, engine) else { return };
        let before = &states.first.credentials;
        for file in broken(before, &after.credentials, &states.executables) {
            let forced = file.file_capabilities.map_or(CapabilitySet::EMPTY, |it| it.permitted);
            self.notes.push(format!(
                "{} can no longer be executed (EPERM): it forces {}",
                file.path,
                forced - after.credentials.bounding
            ));
        }
    }

    fn keep_all(&mut self, kept: impl IntoIterator<Item = (Capability, String)>) {
        for (capability, why) in kept {
            if !self.keep.contains(capability) {
                self.keep = self.keep.with(capability);
                self.kept_for.push((capability, why));
            }
        }
    }

    /// Takes out of `keep` what the engine would put where the process cannot use it, and says what
    /// stands in for it.
    fn express(
        &mut self,
        container: &Container,
        states: &States,
        image: Option<&Image>,
        engine: &EngineVersion,
    ) {
        if self.keep.is_empty() {
            return;
        }
        let planned = self.settings(&container.settings);
        let Ok(after) = first_process(&planned, image, engine) else { return };
        // With no_new_privs that is the permitted set; else setuid files and file capabilities give more.
        let reachable = reachable(&after.credentials, &states.executables, &Environment::default());
        let lost = self.keep - reachable.set;
        if lost.is_empty() || after.credentials.uid.effective == 0 {
            return;
        }
        self.keep = self.keep - lost;
        self.kept_for.retain(|(capability, _)| !lost.contains(*capability));
        if lost.contains(Capability::NET_BIND_SERVICE) {
            self.express_low_ports(container, &after.sysctls);
        }
        let rest = lost.without(Capability::NET_BIND_SERVICE);
        if !rest.is_empty() {
            self.notes.push(format!(
                "{rest} cannot be given: {} puts what is added for a user other than root into the \
                 bounding set alone. Start it as root with SETUID, SETGID and SETPCAP, and let \
                 `dropcap run --user USER --allow {}` step down",
                engine.name(),
                as_written(rest).join(",")
            ));
        }
    }

    fn express_low_ports(&mut self, container: &Container, sysctls: &[(String, String)]) {
        let host_network =
            container.settings.network.as_ref().is_some_and(|network| network.value == "host");
        let set =
            sysctls.iter().find(|(name, _)| name == LOW_PORTS).map(|(_, value)| value.as_str());
        let note = match set {
            _ if host_network => format!(
                "with the host's network the host's {LOW_PORTS} counts: a user other than root \
                 listens on ports below 1024 only where that is 0"
            ),
            Some("0") => format!(
                "CAP_NET_BIND_SERVICE is not needed for ports below 1024: the engine sets \
                 {LOW_PORTS}=0 in the container"
            ),
            _ => {
                self.sysctls.push((LOW_PORTS.to_owned(), "0".to_owned()));
                // Sysctls are the pod's: other containers would change with this one.
                self.editable &= !self.is_in_pod;
                format!("{LOW_PORTS}=0 stands in for CAP_NET_BIND_SERVICE")
            }
        };
        self.notes.push(note);
    }

    /// `settings` as they are after the whole plan.
    pub(crate) fn settings(&self, settings: &Settings) -> Settings {
        let word = |word: String| Spanned::new(word, 0..0);
        let mut planned = settings.clone();
        planned.privileged = None;
        planned.cap_drop = vec![word("ALL".to_owned())];
        planned.cap_add = as_written(self.keep).into_iter().map(word).collect();
        if self.no_new_privileges && self.is_in_pod {
            planned.allow_privilege_escalation = Some(Spanned::new(false, 0..0));
        } else if self.no_new_privileges {
            planned.security_opt.push(word(NO_NEW_PRIVILEGES.to_owned()));
        }
        planned.sysctls.extend(self.sysctls.iter().cloned());
        planned
    }

    /// The settings that drop everything but what is kept. A word that is there already stays as it is
    /// written.
    pub(crate) fn drop_all(&self, container: &Container) -> Wanted {
        let written = &container.settings.cap_add;
        let mut missing = self.keep;
        let mut words = Vec::new();
        for word in written {
            match capability_named(&word.value, container.engine) {
                Some(capability) if missing.contains(capability) => {
                    missing = missing.without(capability);
                    words.push(word.value.clone());
                }
                _ => {}
            }
        }
        words.extend(as_written(missing));
        let as_is = words.is_empty() && written.is_empty();
        Wanted {
            cap_drop: Some(vec!["ALL".to_owned()]),
            cap_add: (!as_is).then_some(words),
            set_sysctls: self.sysctls.clone(),
            ..Wanted::default()
        }
    }

    /// A fix with this tier and these words; `None` where there is no text to change.
    pub(crate) fn fix(
        &self,
        because: Because,
        does: impl Into<String>,
        wanted: Wanted,
    ) -> Option<Fix> {
        let mut notes = Vec::new();
        if wanted.cap_drop.is_some() {
            notes.extend(self.notes.iter().cloned());
            notes.extend(self.kept_notes());
            notes.push(self.exec_note());
        }
        if let Because::Unproved(_) = &because {
            notes.push(format!("what would make it safe: {}", self.remedy));
        }
        self.editable.then(|| Fix {
            tier: because.tier(),
            because,
            does: does.into(),
            notes,
            edits: Vec::new(),
            change: Change::Settings {
                file: self.file.clone(),
                container: self.container.clone(),
                wanted: Box::new(wanted),
            },
        })
    }

    /// What is kept for which step, one line a step.
    fn kept_notes(&self) -> Vec<String> {
        let mut steps: Vec<(&str, CapabilitySet)> = Vec::new();
        for (capability, why) in &self.kept_for {
            match steps.iter_mut().find(|(known, _)| known == why) {
                Some((_, set)) => *set = set.with(*capability),
                None => steps.push((why, CapabilitySet::from(*capability))),
            }
        }
        steps.iter().map(|(why, set)| format!("kept for {why}: {set}")).collect()
    }

    /// What changes for a process that the engine starts later. A kubelet takes no user for one.
    fn exec_note(&self) -> String {
        let (exec, may) = match self.is_in_pod {
            true => ("`kubectl exec`", "what it starts can hold"),
            false => ("`exec -u 0`", "it will hold"),
        };
        match self.keep.is_empty() {
            true => format!("{exec} changes too: {may} no capability"),
            false => format!("{exec} changes too: {may} {} alone", self.keep),
        }
    }

    /// The words for `cap_drop` and `cap_add`.
    pub(crate) fn in_words(&self) -> String {
        match as_written(self.keep).as_slice() {
            [] => "drop ALL".to_owned(),
            keep => format!("drop ALL, add {}", keep.join(", ")),
        }
    }
}

/// What a container without a policy is known to need: what it asks for and gets, and what its
/// entrypoint and its own words do.
fn shown_needs(
    container: &Container,
    states: &States,
    steps: &[PrivilegeStep],
) -> Vec<(Capability, String)> {
    let words = container.settings.cap_add.iter();
    let asked = words.filter_map(|word| capability_named(&word.value, container.engine));
    let held = |capability: &Capability| states.first.credentials.permitted.contains(*capability);
    let mut kept: Vec<_> =
        asked.filter(held).map(|one| (one, "what is written".to_owned())).collect();
    if states.is_root() {
        let steps = [steps, container.own_steps().as_slice()].concat();
        kept.extend(candidates(&steps).into_iter().filter(|(one, _)| held(one)));
    }
    kept
}
