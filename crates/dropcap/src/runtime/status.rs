//! `dropcap runtime status`

pub mod containers;

use super::Status;
use super::files;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, print, print_json};
use containers::Container;
use dropcap_policy::Policy;
use dropcap_runtime::install::{Engine, Registered};
use dropcap_runtime::settings::{Settings, WithoutMatch};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Report {
    schema: u32,
    policy: PolicyStatus,
    engines: Vec<EngineStatus>,
}

#[derive(Serialize)]
struct PolicyStatus {
    directory: PathBuf,
    /// `drop-all`, `observe-only`, `least-risk`; null where the settings cannot be read.
    without_match: Option<&'static str>,
    below: Option<PathBuf>,
    workloads: Vec<String>,
    /// Why containers are not started, where they are not.
    error: Option<String>,
}

#[derive(Serialize)]
struct EngineStatus {
    engine: &'static str,
    present: bool,
    configuration: PathBuf,
    #[serde(flatten)]
    registered: Registered,
    /// Running containers that another runtime has made.
    not_under_it: Vec<Container>,
    /// What could not be found out.
    error: Option<String>,
}

pub fn run(arguments: &Status) -> Result<ExitCode, Failure> {
    let Status { engine, places, output } = arguments;
    output.settle_color();
    let engines = engine.map_or_else(|| Engine::ALL.to_vec(), |engine| vec![engine]);
    let look = |engine| look_at(engine, &places.configuration(engine));
    let report = Report {
        schema: 1,
        policy: policy(&places.policy_directory),
        engines: engines.into_iter().map(look).collect(),
    };
    match output.format {
        Format::Json => print_json(&report)?,
        Format::Text => print(&text(&report, &places.policy_directory)),
    }
    Ok(ExitCode::SUCCESS)
}

fn policy(directory: &Path) -> PolicyStatus {
    let chain = |error: &dyn std::error::Error| match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    let settings = Settings::load(directory);
    let policy = Policy::load_trusted(&directory.join(dropcap_policy::FILE_NAME));
    let names = |policy: &Policy| policy.workloads.iter().map(|one| one.name.clone()).collect();
    PolicyStatus {
        directory: directory.to_owned(),
        without_match: settings.as_ref().ok().map(|settings| settings.without_match.name()),
        below: settings.as_ref().ok().map(|settings| settings.below.clone()),
        workloads: policy.as_ref().map(names).unwrap_or_default(),
        error: settings
            .as_ref()
            .err()
            .map(|error| chain(error))
            .or_else(|| policy.as_ref().err().map(|error| chain(error))),
    }
}

fn look_at(engine: Engine, configuration: &Path) -> EngineStatus {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    let present = places.map(|place| place.join(engine.program())).any(|file| file.is_file());
    let mut error = None;
    let registered = match files::read(configuration) {
        Ok(Some(text)) => engine.registered(&text).unwrap_or_else(|why| {
            error = Some(format!("{}: {why}", configuration.display()));
            Registered::default()
        }),
        Ok(None) => Registered::default(),
        Err(failure) => {
            error = Some(failure.chain());
            Registered::default()
        }
    };
    let mut not_under_it = Vec::new();
    if present {
        match containers::not_under_it(engine) {
            Ok(found) => not_under_it = found,
            Err(why) => error = error.or(Some(why)),
        }
    }
    EngineStatus {
        engine: engine.name(),
        present,
        configuration: configuration.to_owned(),
        registered,
        not_under_it,
        error,
    }
}

fn text(report: &Report, directory: &Path) -> String {
    let mut text = settings_line(directory);
    if let Some(error) = &report.policy.error {
        text.push_str(&format!("no container is started: {error}\n"));
    } else if report.policy.workloads.is_empty() {
        text.push_str("workloads: none\n");
    } else {
        text.push_str(&format!("workloads: {}\n", report.policy.workloads.join(", ")));
    }
    for engine in &report.engines {
        let registered = match engine.registered {
            Registered { default: true, registered: true } => "registered, the default",
            Registered { registered: true, .. } => "registered, for containers that ask for it",
            Registered { .. } => "not registered",
        };
        let present = if engine.present { "" } else { "; the engine is not here" };
        text.push_str(&format!("{:<11} {registered}{present}\n", engine.engine));
        for container in &engine.not_under_it {
            let Container { name, runtime, .. } = container;
            text.push_str(&format!("            {name} runs without it, by {runtime}\n"));
        }
        if let Some(error) = &engine.error {
            text.push_str(&format!("            {error}\n"));
        }
    }
    text
}

/// What happens to a container that no workload matches; loud where nothing is held.
pub fn settings_line(directory: &Path) -> String {
    match Settings::load(directory) {
        Ok(Settings { without_match: WithoutMatch::ObserveOnly, .. }) => format!(
            "OBSERVE-ONLY: a container that no workload matches keeps all that its engine gives it\n  \
             set without-match = \"drop-all\" or \"least-risk\" in {} to hold it\n",
            directory.join(dropcap_runtime::settings::FILE_NAME).display()
        ),
        Ok(settings) => {
            format!("without a match: {}\n", settings.without_match.name())
        }
        Err(_) => String::new(),
    }
}
