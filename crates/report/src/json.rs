//! A scan as JSON, schema 1.

use dropcap_audit::{Analysis, Audited, AuditedContainer, Finding, States};
use dropcap_capability::CapabilitySet;
use dropcap_manifest::{Engine, Kind, Starter};
use serde::Serialize;

/// The version of the schema that every document names.
pub const SCHEMA: u8 = 1;

/// Why a file, or a part of one, could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FileError {
    /// The file, as it is shown.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// The whole document.
#[derive(Serialize)]
struct Document<'a> {
    schema: u8,
    containers: Vec<Container<'a>>,
    findings: &'a [Finding],
    waived: Vec<Waived<'a>>,
    errors: &'a [FileError],
    fixed: &'a [String],
}

#[derive(Serialize)]
struct Waived<'a> {
    reason: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

#[derive(Serialize)]
struct Container<'a> {
    id: &'a str,
    file: &'a str,
    line: usize,
    kind: &'static str,
    engine: &'static str,
    engine_version: String,
    starter: &'static str,
    image: Image<'a>,
    user: Option<&'a str>,
    privileged: bool,
    no_new_privileges: Option<bool>,
    initial: Option<Initial>,
    reachable: Vec<String>,
    nested: Option<String>,
    doors: Vec<Door<'a>>,
    escalations: Vec<Escalation<'a>>,
    assumptions: &'a [String],
    refused: Option<&'a str>,
}

#[derive(Serialize)]
struct Image<'a> {
    #[serde(rename = "ref")]
    reference: Option<&'a str>,
    state: &'static str,
}

#[derive(Serialize)]
struct Initial {
    effective: Vec<String>,
    permitted: Vec<String>,
    inheritable: Vec<String>,
    bounding: Vec<String>,
    ambient: Vec<String>,
}

#[derive(Serialize)]
struct Door<'a> {
    kind: &'static str,
    path: &'a str,
    gains: Vec<String>,
    gains_root_user: bool,
}

#[derive(Serialize)]
struct Escalation<'a> {
    kind: &'static str,
    detail: &'a str,
}

/// The document of a scan: what it saw, what it found, what it could not look at, and the files that
/// it changed.
///
/// # Errors
/// None for these types; `serde_json` has the last word.
pub fn scan(
    audited: &Audited,
    errors: &[FileError],
    fixed: &[String],
) -> Result<String, serde_json::Error> {
    let waived = audited.waived.iter().map(|(finding, reason)| Waived { reason, finding });
    let mut text = serde_json::to_string_pretty(&Document {
        schema: SCHEMA,
        containers: audited.containers.iter().map(container).collect(),
        findings: &audited.findings,
        waived: waived.collect(),
        errors,
        fixed,
    })?;
    text.push('\n');
    Ok(text)
}

fn container(audited: &AuditedContainer) -> Container<'_> {
    let written = &audited.container;
    let states = audited.analysis.states();
    Container {
        id: &written.id,
        file: &written.file,
        line: audited.line,
        kind: match written.kind {
            Kind::Compose => "compose",
            Kind::Dockerfile => "dockerfile",
            Kind::CommandLine => "command-line",
            Kind::Kubernetes => "kubernetes",
        },
        engine: match audited.engine.engine {
            Engine::Docker => "docker",
            Engine::Podman => "podman",
            Engine::OpenShell => "openshell",
            Engine::Containerd => "containerd",
        },
        engine_version: audited.engine.version.to_string(),
        starter: match written.starter {
            Starter::Known => "known",
            Starter::Assumed => "assumed",
        },
        image: Image {
            reference: written.image.as_ref().map(|image| image.value.as_str()),
            state: if audited.image_read { "read" } else { "assumed" },
        },
        user: written.settings.user.as_ref().map(|user| user.value.as_str()),
        privileged: written.settings.privileged.as_ref().is_some_and(|privileged| privileged.value),
        no_new_privileges: states.map(|states| states.first.credentials.no_new_privs),
        initial: states.map(initial),
        reachable: states.map(|states| names(states.reachable.set)).unwrap_or_default(),
        nested: states.map(|states| states.nested.to_string()),
        doors: states.map(doors).unwrap_or_default(),
        escalations: states.map(escalations).unwrap_or_default(),
        assumptions: states.map_or(&[], |states| states.first.assumptions.as_slice()),
        refused: match &audited.analysis {
            Analysis::Refused(refusal) => Some(&refusal.reason),
            Analysis::Starts(_) => None,
        },
    }
}

fn initial(states: &States) -> Initial {
    let credentials = &states.first.credentials;
    Initial {
        effective: names(credentials.effective),
        permitted: names(credentials.permitted),
        inheritable: names(credentials.inheritable),
        bounding: names(credentials.bounding),
        ambient: names(credentials.ambient),
    }
}

fn doors(states: &States) -> Vec<Door<'_>> {
    let doors = states.doors.iter().map(|door| Door {
        kind: door.kind.name(),
        path: &door.path,
        gains: names(door.gains),
        gains_root_user: door.gains_root_user,
    });
    doors.collect()
}

fn escalations(states: &States) -> Vec<Escalation<'_>> {
    let found = states
        .escalations
        .iter()
        .map(|one| Escalation { kind: one.kind.name(), detail: &one.detail });
    found.collect()
}

fn names(set: CapabilitySet) -> Vec<String> {
    set.iter().map(|capability| capability.to_string()).collect()
}
