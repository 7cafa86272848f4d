//! `dropcap emit`

mod settings;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_json, say};
use crate::scan::project::{Project, Selection};
use clap::{Args, ValueEnum};
use dropcap_audit::{LOW_PORTS, Options, audit};
use dropcap_capability::{Capability, CapabilitySet};
use dropcap_manifest::{self as manifest, Container, Engine};
use dropcap_policy::Policy;
use serde::Serialize;
use settings::Settings;
use std::path::Path;

/// Print the settings for a workload
///
/// Without a policy: drop ALL, add nothing, set no-new-privileges.
#[derive(Args)]
pub struct Arguments {
    /// How to write them
    #[arg(long = "as", value_name = "KIND", value_enum)]
    kind: Kind,
    /// A workload of the policy, or a container that is written in a file
    #[arg(value_name = "WORKLOAD|FILE#SUBJECT")]
    target: Option<String>,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Flags for `docker run`
    DockerRun,
    /// Keys of a Compose service
    Compose,
    /// The `securityContext` of a pod's container
    Kubernetes,
    /// Keys of a Podman Quadlet's `.container` file
    PodmanQuadlet,
}

impl Kind {
    /// The engine that reads it.
    const fn engine(self) -> Engine {
        match self {
            Self::DockerRun | Self::Compose => Engine::Docker,
            Self::Kubernetes => Engine::Containerd,
            Self::PodmanQuadlet => Engine::Podman,
        }
    }
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    let settings = settings(&arguments)?;
    if arguments.output.format == Format::Json {
        print_json(&settings)?;
        return Ok(ExitCode::SUCCESS);
    }
    print(&settings.text());
    if !arguments.output.quiet {
        for note in &settings.notes {
            say(&format!("note: {note}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let kind = arguments.kind;
    match &arguments.target {
        None => Ok(nothing_held(kind)),
        Some(target) if target.contains('#') => of_container(kind, target, &arguments.selection),
        Some(name) => of_workload(kind, name, &arguments.selection),
    }
}

/// Where no policy says anything.
fn nothing_held(kind: Kind) -> Settings {
    Settings::new(kind, CapabilitySet::EMPTY, true, false)
}

/// The settings of a workload that the policy names; of its user nothing is known here.
fn of_workload(kind: Kind, name: &str, selection: &Selection) -> Result<Settings, Failure> {
    let wrong = |error: dropcap_policy::PolicyError| {
        Failure::new("there are no settings for this workload").because(error)
    };
    let policy = match &selection.policy {
        Some(file) => Some(Policy::load(file).map_err(wrong)?),
        None => Policy::find_upwards(Path::new(".")).map_err(wrong)?,
    };
    let Some(policy) = policy else {
        return Err(Failure::new(format!("no policy says what the workload `{name}` may hold"))
            .help(
                "write a dropcap.toml, name one with --policy, or name a container: FILE#SUBJECT",
            ));
    };
    let workload = policy.require(name).map_err(wrong)?;
    let keep = workload.allow | workload.setup;
    let mut settings =
        Settings::new(kind, keep, workload.no_new_privileges, workload.user_namespaces);
    settings.notes.extend(notes_of_user(kind, keep));
    if !workload.setup.is_empty() {
        settings.notes.push(format!(
            "{} is for the set-up alone, but an exec is given it too: let `dropcap run` drop it for \
             the workload",
            workload.setup
        ));
    }
    Ok(settings)
}

/// What a user other than root would not come to hold, where the user is not known.
fn notes_of_user(kind: Kind, keep: CapabilitySet) -> Vec<String> {
    let engine = match kind.engine() {
        // Podman gives what is added to any user.
        Engine::Podman => return Vec::new(),
        Engine::Containerd => "containerd",
        Engine::Docker | Engine::OpenShell => "Docker",
    };
    let mut notes = Vec::new();
    if !keep.is_empty() {
        notes.push(format!(
            "for a user other than root {engine} gives nothing that is added; ask for FILE#SUBJECT to \
             have the user taken into account"
        ));
    }
    if kind == Kind::Kubernetes && keep.contains(Capability::NET_BIND_SERVICE) {
        notes.push(low_ports_in_pod());
    }
    notes
}

/// What stands in for NET_BIND_SERVICE in a pod.
fn low_ports_in_pod() -> String {
    format!(
        "for ports below 1024 a user other than root needs {LOW_PORTS}=0, which containerd sets from 2.0 \
         on; before, and with CRI-O, the pod's securityContext has to: `sysctls: [{{name: {LOW_PORTS}, \
         value: \"0\"}}]`"
    )
}

/// The settings of a container that is written in a file, with its user and its engine; nothing is
/// added where no workload of a policy says so.
fn of_container(kind: Kind, target: &str, selection: &Selection) -> Result<Settings, Failure> {
    let mut project = Project::read(&[target.to_owned()], "", selection)?;
    let asked_for: Vec<bool> =
        project.input.containers.iter().map(|one| project.is_asked_for(&one.id)).collect();
    for (container, asked_for) in project.input.containers.iter_mut().zip(asked_for) {
        if asked_for {
            move_to_engine(kind, container);
        }
    }
    let options =
        Options { policy_place: project.policy_place.clone(), edits: false, ..Options::default() };
    let audited = audit(&project.input, &options);
    let found = audited.containers.iter().find(|one| project.is_asked_for(&one.container.id));
    let Some(found) = found else {
        return Err(Failure::new(format!("there is no container {target}")));
    };
    let policy = project.input.policy.as_ref();
    let workload = found.workload.as_deref().zip(policy);
    let workload = workload.and_then(|(name, policy)| policy.require(name).ok());
    let mut settings = match workload {
        Some(workload) => Settings::of_plan(kind, &found.plan, workload.user_namespaces),
        None => nothing_held(kind),
    };
    let written = &found.container.settings;
    if let Some(profile) = &written.seccomp {
        settings.keep_profile(&profile.value);
    }
    let wanted = workload.map_or(CapabilitySet::EMPTY, |it| it.allow | it.setup);
    let lost = wanted - found.plan.keep;
    if kind == Kind::Kubernetes
        && lost.contains(Capability::NET_BIND_SERVICE)
        && written.network.as_ref().is_none_or(|network| network.value != "host")
    {
        settings.notes.push(low_ports_in_pod());
    }
    Ok(settings)
}

/// Makes of a container what another engine starts of its image, with its user and its files: engines
/// differ in what a user other than root comes to hold.
fn move_to_engine(kind: Kind, container: &mut Container) {
    let to_pod = kind == Kind::Kubernetes;
    let is_dockers = matches!(kind, Kind::DockerRun | Kind::Compose);
    if is_dockers || container.engine == kind.engine() {
        return;
    }
    let written = std::mem::take(&mut container.settings);
    container.engine = kind.engine();
    container.kind = if to_pod { manifest::Kind::Kubernetes } else { manifest::Kind::CommandLine };
    container.settings = manifest::Settings {
        user: written.user,
        network: written.network.filter(|network| network.value == "host"),
        mounts: written.mounts,
        entrypoint: written.entrypoint,
        command: written.command,
        ..Default::default()
    };
}
