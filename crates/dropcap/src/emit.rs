//! `dropcap emit`

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_json, say};
use crate::scan::project::{Project, Selection};
use clap::{Args, ValueEnum};
use dropcap_audit::{Options, Plan, audit};
use dropcap_capability::CapabilitySet;
use dropcap_policy::Policy;
use serde::Serialize;
use std::collections::BTreeMap;
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
}

/// What to tell the engine.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Settings {
    schema: u8,
    #[serde(rename = "as")]
    kind: Kind,
    cap_drop: Vec<String>,
    cap_add: Vec<String>,
    security_opt: Vec<String>,
    sysctls: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl Settings {
    fn new(kind: Kind, keep: CapabilitySet, no_new_privileges: bool) -> Self {
        let name = |one: dropcap_capability::Capability| {
            let name = one.to_string();
            name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
        };
        let option = no_new_privileges.then(|| "no-new-privileges:true".to_owned());
        Self {
            schema: dropcap_report::json::SCHEMA,
            kind,
            cap_drop: vec!["ALL".to_owned()],
            cap_add: keep.iter().map(name).collect(),
            security_opt: option.into_iter().collect(),
            sysctls: BTreeMap::new(),
            notes: Vec::new(),
        }
    }

    fn of_plan(kind: Kind, plan: &Plan) -> Self {
        Self {
            sysctls: plan.sysctls.iter().cloned().collect(),
            notes: plan.notes.clone(),
            ..Self::new(kind, plan.keep, plan.no_new_privileges)
        }
    }

    /// One line of flags.
    fn docker_run(&self) -> String {
        let mut flags = Vec::new();
        let mut flag = |name: &str, value: &str| flags.push(format!("{name} {value}"));
        self.cap_drop.iter().for_each(|one| flag("--cap-drop", one));
        self.cap_add.iter().for_each(|one| flag("--cap-add", one));
        self.security_opt.iter().for_each(|one| flag("--security-opt", one));
        self.sysctls.iter().for_each(|(name, value)| flag("--sysctl", &format!("{name}={value}")));
        format!("{}\n", flags.join(" "))
    }

    /// Keys of a service.
    fn compose(&self) -> String {
        let mut text = String::new();
        let lists = [
            ("cap_drop", &self.cap_drop),
            ("cap_add", &self.cap_add),
            ("security_opt", &self.security_opt),
        ];
        for (key, values) in lists {
            if !values.is_empty() {
                text.push_str(&format!("{key}:\n"));
                values.iter().for_each(|value| text.push_str(&format!("  - {value}\n")));
            }
        }
        if !self.sysctls.is_empty() {
            text.push_str("sysctls:\n");
            for (name, value) in &self.sysctls {
                text.push_str(&format!("  {name}: \"{value}\"\n"));
            }
        }
        text
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
    let text = match arguments.kind {
        Kind::DockerRun => settings.docker_run(),
        Kind::Compose => settings.compose(),
    };
    print(&text);
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
        None => Ok(Settings::new(kind, CapabilitySet::EMPTY, true)),
        Some(target) if target.contains('#') => of_container(kind, target, &arguments.selection),
        Some(name) => of_workload(kind, name, &arguments.selection),
    }
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
    let mut settings = Settings::new(kind, keep, workload.no_new_privileges);
    if !keep.is_empty() {
        settings.notes.push(
            "for a user other than root Docker gives nothing that is added; ask for FILE#SUBJECT to \
             have the user taken into account"
                .to_owned(),
        );
    }
    if !workload.setup.is_empty() {
        settings.notes.push(format!(
            "{} is for the set-up alone, but an exec is given it too: let `dropcap run` drop it for \
             the workload",
            workload.setup
        ));
    }
    Ok(settings)
}

/// The settings of a container that is written in a file, with its user and its engine; nothing is
/// added where no workload of a policy says so.
fn of_container(kind: Kind, target: &str, selection: &Selection) -> Result<Settings, Failure> {
    let project = Project::read(&[target.to_owned()], "", selection)?;
    let options =
        Options { policy_place: project.policy_place.clone(), edits: false, ..Options::default() };
    let audited = audit(&project.input, &options);
    let found = audited.containers.iter().find(|one| project.is_asked_for(&one.container.id));
    let Some(found) = found else {
        return Err(Failure::new(format!("there is no container {target}")));
    };
    Ok(match &found.workload {
        Some(_) => Settings::of_plan(kind, &found.plan),
        None => Settings::new(kind, CapabilitySet::EMPTY, true),
    })
}
