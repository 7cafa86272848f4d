//! What every engine does alike: it is given one container, notes what it rests on, and ends in an
//! initial state or a refusal.

use crate::{
    AppArmor, Host, ImageKnowledge, InitialState, Process, Refusal, Rule, Seccomp, Version,
};
use dropcap_capability::{Credentials, NamespaceGate};
use dropcap_manifest::Settings;
use std::marker::PhantomData;

/// What an engine is given: one container, and what it is started on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'a> {
    pub settings: &'a Settings,
    pub image: ImageKnowledge<'a>,
    pub version: Version,
    pub host: &'a Host,
}

/// One start of a container by the engine `E`, and what was found out on the way. The steps are the
/// engine's own: each is in an `impl Start<'_, E>` of the engine's file.
pub(crate) struct Start<'a, E> {
    pub settings: &'a Settings,
    pub image: ImageKnowledge<'a>,
    pub version: Version,
    pub host: &'a Host,
    pub rules: Vec<Rule>,
    pub assumptions: Vec<String>,
    engine: PhantomData<E>,
}

/// The steps of one engine.
pub(crate) trait Steps: Sized {
    /// What is taken for granted of the engine, a sentence.
    const ASSUMES: &'static str;

    /// Takes them, in the engine's order, up to the process that is asked about.
    fn take(start: &mut Start<'_, Self>, process: Process<'_>) -> Result<Started, Refusal>;
}

/// A process that was started.
pub(crate) struct Started {
    pub credentials: Credentials,
    pub seccomp: Seccomp,
    /// Whether the seccomp profile lets user namespaces through.
    pub seccomp_allows: bool,
    pub apparmor: AppArmor,
    pub sysctls: Vec<(String, String)>,
}

/// The state in which the engine `E` starts `process`.
pub(crate) fn initial_state<E: Steps>(
    given: Given<'_>,
    process: Process<'_>,
) -> Result<InitialState, Refusal> {
    let Given { settings, image, version, host } = given;
    let (rules, assumptions) = (Vec::new(), vec![E::ASSUMES.to_owned()]);
    let mut start =
        Start { settings, image, version, host, rules, assumptions, engine: PhantomData };
    match E::take(&mut start, process) {
        Ok(Started { credentials, seccomp, seccomp_allows, apparmor, sysctls }) => {
            let gate = NamespaceGate { seccomp_allows, chrooted: false, ..host.gate };
            let Start { assumptions, rules, .. } = start;
            Ok(InitialState { credentials, gate, seccomp, apparmor, sysctls, assumptions, rules })
        }
        Err(refusal) => Err(Refusal { rules: start.rules, ..refusal }),
    }
}

impl<E> Start<'_, E> {
    /// Whether the container is privileged.
    pub fn privileged(&self) -> bool {
        self.settings.privileged.as_ref().is_some_and(|privileged| privileged.value)
    }

    /// A seccomp profile of the container's own, by its name.
    pub fn custom_seccomp(&mut self, profile: &str) -> Seccomp {
        self.assumptions.push(format!(
            "the seccomp profile `{profile}` was not read, so it counts as letting user \
             namespaces through"
        ));
        Seccomp::Custom(profile.to_owned())
    }
}
