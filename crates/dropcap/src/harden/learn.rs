//! Learning first, where a workload has a test and an engine answers.

use super::Arguments;
use crate::failure::Failure;
use crate::learn::container::{Asked, learn};
use crate::learn::place::Place;
use crate::scan::digests;
use crate::scan::project::Project;
use dropcap_audit::{Audited, AuditedContainer, Mend, Options, evidence_gap};
use dropcap_observe::Session;
use dropcap_observe::docker::Docker;
use dropcap_observe::journal::Journal;
use dropcap_policy::{Learned, Policy, merge};
use dropcap_report::text::clean;
use std::path::Path;
use std::time::Duration;

/// What was learned before anything is planned.
#[derive(Default)]
pub(super) struct LearnedFirst {
    /// A line each for whoever reads the report.
    pub said: Vec<String>,
    written: Vec<(Learned, serde_json::Value, Journal)>,
}

/// Where the policy lies, or would.
pub(super) fn place(arguments: &Arguments) -> Result<Place, Failure> {
    let target =
        arguments.target.rsplit_once('#').map_or(arguments.target.as_str(), |(file, _)| file);
    let path = Path::new(target);
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let folder = folder.filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    Place::find(arguments.selection.policy.as_deref(), folder)
}

/// Whether some workload says how to tell that it works.
pub(super) fn has_tests(place: &Place) -> bool {
    let workloads = place.policy.iter().flat_map(|policy| &policy.workloads);
    workloads.into_iter().any(|workload| workload.test.is_some())
}

/// Learns of every container whose workload has a test and no evidence for what is to run, and puts
/// what it found into the policy that the plans are made from. Nothing is written yet.
pub(super) fn first(
    arguments: &Arguments,
    place: &Place,
    project: &mut Project,
    audited: &Audited,
    options: &Options,
    session: &Session,
) -> Result<LearnedFirst, Failure> {
    let mut all = LearnedFirst::default();
    // The trial of before and after says so, where there is none.
    if Docker::find().is_err() {
        return Ok(all);
    }
    let mut text = match std::fs::read_to_string(&place.file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| Failure::new("cannot read the policy").because(error))?,
    };
    for one in &audited.containers {
        if !needs_evidence(project, one) {
            continue;
        }
        let asked = Asked {
            test: None,
            name: None,
            patience: Duration::from_secs(arguments.patience),
            quiet: arguments.output.quiet,
            by_trial: false,
            session,
        };
        let id = &one.container.id;
        match learn(&asked, place, project, one) {
            Ok((record, journal)) => {
                let learned = record.learned();
                text = merge(&text, &learned)
                    .map_err(|error| Failure::new("the policy cannot be written").because(error))?;
                let mut said =
                    format!("{id}: learned in {} runs: needs {}", record.runs(), record.needed);
                for lost in &record.refused {
                    let (capability, call) = (lost.capability, clean(&lost.call));
                    said.push_str(&format!(
                        "; without {capability} this was refused, and all passed: {call}"
                    ));
                }
                all.said.push(said);
                let known =
                    place.policy.as_ref().and_then(|policy| policy.workload(&learned.workload));
                let document = record.json(&learned.compare(known));
                all.written.push((learned, document, journal));
            }
            Err(failure) => all.said.push(format!("{id}: not learned: {}", failure.chain())),
        }
    }
    if !all.written.is_empty() {
        let policy = Policy::parse(&text)
            .map_err(|error| Failure::new("the policy cannot be used").because(error))?;
        project.input.policy = Some(Policy { path: Some(place.file.clone()), ..policy });
        project.input.digests = digests::known(&project.input, options);
    }
    Ok(all)
}

/// Whether its workload has a test, and no evidence for what is to run.
fn needs_evidence(project: &Project, one: &AuditedContainer) -> bool {
    let policy = project.input.policy.as_ref();
    let workload = one.workload.as_ref().and_then(|name| policy?.workload(name));
    let Some(workload) = workload.filter(|workload| workload.test.is_some()) else { return false };
    let mend = one.mend.as_ref();
    let engine = one.engine.name();
    // What was learned before scripts were tried mended says nothing of one.
    let never_mended = mend.is_some_and(Mend::can_be_tried) && workload.script_hash().is_none();
    never_mended || evidence_gap(&one.container, workload, &project.input, engine, mend).is_some()
}

impl LearnedFirst {
    /// Writes policy and evidence: the names of the files.
    pub fn write(self, place: &Place) -> Result<Vec<String>, Failure> {
        let mut files = Vec::new();
        for (learned, document, journal) in self.written {
            for file in place.write(&learned, document)? {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
            // The same search would begin with what is left of it.
            let _ = journal.finish();
        }
        Ok(files)
    }
}
