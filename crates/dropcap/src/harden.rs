//! `dropcap harden`

#[cfg(target_os = "linux")]
mod learn;
mod report;
mod trial;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_json};
use crate::prove::written::{prove_container, root};
use crate::scan::fixes::{self, Changes, Tiers};
use crate::scan::is_wanted;
use crate::scan::own::own_path;
use crate::scan::project::{Project, Selection};
use clap::Args;
use dropcap_audit::{Audited, AuditedContainer, Because, Change, Level, Mounting, Options, audit};
use dropcap_capability::CapabilitySet;
use dropcap_engine::{EngineVersion, Process};
use dropcap_manifest::Container;
use dropcap_observe::docker::Docker;
use dropcap_prove::Proof;
use report::{Hardened, Report};
use std::time::Duration;
use trial::Trial;

/// An open door beyond what is allowed.
const OPEN: u8 = 1;
/// A file that the user named cannot be read or parsed.
const UNREADABLE: u8 = 2;

/// Prove, fix and prove again
///
/// Shows the plan, what is open before, the changes, and what is open after; writes only with --fix.
#[derive(Args)]
pub struct Arguments {
    /// A folder, a file, or FILE#SUBJECT for one container
    #[arg(value_name = "DIR", default_value = ".")]
    target: String,
    /// Write the changes that are known to change nothing that works
    #[arg(long)]
    fix: bool,
    /// Take the other changes too
    #[arg(long)]
    unsafe_fixes: bool,
    /// The engine to take, such as docker@20.10, podman or containerd
    #[arg(long, value_name = "NAME[@VERSION]")]
    engine: Option<EngineVersion>,
    /// Do not start anything with an engine, even where one answers
    #[arg(long)]
    no_engine: bool,
    /// How long a workload that is started has until its test passes
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    /// Which fixes are taken: where nothing is written, all are shown.
    const fn tiers(&self) -> Tiers {
        Tiers { safe: true, unsafe_too: self.unsafe_fixes || !self.fix }
    }
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    #[cfg(target_os = "linux")]
    if !arguments.no_engine {
        use crate::learn::{linux, supervise::supervise};
        let place = learn::place(&arguments)?;
        if learn::has_tests(&place) {
            let session = linux::session()?;
            let work = || harden(&arguments, Some((&place, &session))).map(u8::from);
            return supervise(work, || linux::clean_up(&session));
        }
    }
    harden(&arguments, None)
}

/// Where to write what is learned, and what its trials are called.
#[cfg(target_os = "linux")]
type Learning<'a> = Option<(&'a crate::learn::place::Place, &'a dropcap_observe::Session)>;
/// Nothing is learned elsewhere.
#[cfg(not(target_os = "linux"))]
type Learning<'a> = Option<&'a ()>;

fn harden(arguments: &Arguments, learning: Learning) -> Result<ExitCode, Failure> {
    #[cfg_attr(not(target_os = "linux"), expect(unused_mut, reason = "nothing is learned there"))]
    let mut project =
        Project::read(std::slice::from_ref(&arguments.target), "", &arguments.selection)?;
    let options = Options {
        engine: arguments.engine,
        policy_place: project.policy_place.clone(),
        dropcap: own_path(),
        edits: false,
        ..Options::default()
    };
    let mut audited = audit(&project.input, &options);
    audited.findings.retain(|finding| project.is_asked_for(&finding.container));
    audited.containers.retain(|one| project.is_asked_for(&one.container.id));
    #[cfg(target_os = "linux")]
    let learned = match learning {
        Some((place, session)) => {
            let learned =
                learn::first(arguments, place, &mut project, &audited, &options, session)?;
            audited = audit(&project.input, &options);
            audited.findings.retain(|finding| project.is_asked_for(&finding.container));
            audited.containers.retain(|one| project.is_asked_for(&one.container.id));
            Some((place, learned))
        }
        None => None,
    };

    let mut changes = fixes::changes(&audited, &project.input, &options, arguments.tiers());
    let trials = try_out(arguments, &project, &audited, &changes);
    if trials.iter().any(|(_, trial)| !trial.may_stay()) {
        for finding in &mut audited.findings {
            let gone =
                |(id, trial): &(String, Trial)| !trial.may_stay() && *id == finding.container;
            if trials.iter().any(gone) {
                finding.fix = None;
            }
        }
        changes = fixes::changes(&audited, &project.input, &options, arguments.tiers());
    }
    let mut report = prove_all(arguments, &project, &audited, &changes, trials)?;
    if arguments.fix {
        report.written = fixes::write(&changes, &project)?;
    }
    #[cfg(target_os = "linux")]
    if let Some((place, learned)) = learned {
        report.learned(learned.said.clone());
        if arguments.fix {
            report.written.extend(learned.write(place)?);
        }
    }
    report.diff = changes.files.iter().map(fixes::diff).collect();
    report.errors.extend(project.errors.iter().cloned());
    report.errors.extend(changes.refused);
    match arguments.output.format {
        Format::Json => print_json(&report)?,
        Format::Text => print(&report.text(&arguments.output)),
    }
    let code = match () {
        () if project.named_is_unreadable() => UNREADABLE,
        () if report.is_open(arguments.fix) => OPEN,
        () => 0,
    };
    Ok(ExitCode::from(code))
}

/// The ids of the containers that a change of these tiers speaks of, in the order of the tree.
fn changed<'a>(audited: &'a Audited, changes: &Changes, tiers: Tiers) -> Vec<&'a AuditedContainer> {
    let speaks_of = |id: &str| {
        audited.findings.iter().filter_map(|finding| finding.fix.as_ref()).any(|fix| {
            is_wanted(fix.tier, tiers)
                && settings_of(&fix.change)
                    .iter()
                    .filter(|(_, container)| *container == id)
                    .any(|(file, _)| changes.files.iter().any(|change| change.file == *file))
        })
    };
    audited.containers.iter().filter(|one| speaks_of(&one.container.id)).collect()
}

/// The containers whose settings change, each with its file.
fn settings_of(change: &Change) -> Vec<(&str, &str)> {
    match change {
        Change::Settings { file, container, .. } => vec![(file, container)],
        Change::Script { mounts, .. } => mounts
            .iter()
            .map(|Mounting { file, container, .. }| (file.as_str(), container.as_str()))
            .collect(),
    }
}

/// Where Docker answers, and the policy names a test: before and after, started and tested.
fn try_out(
    arguments: &Arguments,
    project: &Project,
    audited: &Audited,
    changes: &Changes,
) -> Vec<(String, Trial)> {
    let after = fixes::read_after(changes, &project.input);
    let mut docker = None;
    let mut trials = Vec::new();
    for one in changed(audited, changes, arguments.tiers()) {
        let id = &one.container.id;
        // The policy's set was tried on this very image, in more phases than are tried here.
        if one.plan.because == Because::Evidence {
            continue;
        }
        let workload =
            one.workload.as_ref().and_then(|name| project.input.policy.as_ref()?.workload(name));
        let Some(test) = workload.and_then(|workload| workload.test.as_deref()) else { continue };
        let Some(next) = fixes::counterpart(&project.input, &after, id) else { continue };
        let trial = match (arguments.no_engine, &one.container.engine) {
            (true, _) => Trial::Untried("--no-engine".to_owned()),
            (_, dropcap_manifest::Engine::Docker) => {
                let find = || Docker::find().map_err(|error| error.to_string());
                match docker.get_or_insert_with(find) {
                    Ok(docker) => {
                        let patience = Duration::from_secs(arguments.patience);
                        trial::compare(docker, &one.container, next, test, patience)
                    }
                    Err(why) => Trial::Untried(why.clone()),
                }
            }
            _ => Trial::Untried("only Docker is started here".to_owned()),
        };
        trials.push((id.clone(), trial));
    }
    trials
}

/// The proofs of before and after, for each container that changes; where one was asked for by its id
/// and nothing changes, its proof of now.
fn prove_all(
    arguments: &Arguments,
    project: &Project,
    audited: &Audited,
    changes: &Changes,
    trials: Vec<(String, Trial)>,
) -> Result<Report, Failure> {
    let after = fixes::read_after(changes, &project.input);
    let changing = changed(audited, changes, arguments.tiers());
    let mut report = Report::new(&arguments.target, arguments.fix);
    let mut trials: std::collections::HashMap<String, Trial> = trials.into_iter().collect();
    for one in &audited.containers {
        let id = &one.container.id;
        let changes_it = changing.iter().any(|other| other.container.id == *id);
        let trial = trials.remove(id);
        // What a rule warns of is shown even where there is nothing to change, as for a Dockerfile.
        let findings = audited.findings.iter().filter(|finding| finding.container == *id);
        let warned: Vec<_> = findings.filter(|finding| finding.level >= Level::Warning).collect();
        if !changes_it && trial.is_none() && warned.is_empty() && !arguments.target.contains('#') {
            report.unchanged += 1;
            continue;
        }
        let allowed = one.plan.keep;
        let next = fixes::counterpart(&project.input, &after, id).filter(|_| changes_it);
        let before = prove_one(arguments, project, one, &one.container, allowed);
        let after = next.map(|next| prove_one(arguments, project, one, next, allowed));
        let wanted: Vec<_> = audited
            .findings
            .iter()
            .filter_map(|finding| finding.fix.as_ref())
            .filter(|fix| {
                is_wanted(fix.tier, arguments.tiers())
                    && settings_of(&fix.change).iter().any(|(_, container)| container == id)
            })
            .cloned()
            .collect();
        let mut hardened = Hardened::new(id, wanted, trial, before, after);
        if !changes_it {
            hardened.by_hand(warned.iter().map(|finding| finding.help.as_str()));
        }
        report.containers.push(hardened);
    }
    Ok(report)
}

/// A proof, or why there is none: one container that cannot be shown does not hide the others.
fn prove_one(
    arguments: &Arguments,
    project: &Project,
    one: &AuditedContainer,
    container: &Container,
    allowed: CapabilitySet,
) -> Result<Proof, String> {
    let image = project.input.image_of(container);
    let directory = image.and_then(|_| root(&arguments.selection.images.rootfs, container));
    prove_container(container, image, directory, &one.engine, Process::First, allowed)
        .map_err(|failure| failure.chain())
}
