//! Every rule over every container.

use crate::analysis::analyse;
use crate::edits;
use crate::fix::{Because, Change, FileEdit, FixTier, Mend};
use crate::rules::{Check, RULES};
use crate::script::{Entrypoint, Script};
use crate::subject::Subject;
use crate::{Analysis, Finding, Input, Options, Plan};
use dropcap_engine::EngineVersion;
use dropcap_manifest::Container;
use dropcap_policy::Waiver;
use std::collections::HashMap;
use std::thread::{self, ScopedJoinHandle};

/// The outcome.
#[derive(Debug)]
pub struct Audited {
    /// Each container with its states, in the order in which they came.
    pub containers: Vec<AuditedContainer>,
    /// What counts, by file and place.
    pub findings: Vec<Finding>,
    /// What a waiver covers, with the waiver's reason.
    pub waived: Vec<(Finding, String)>,
}

/// One container.
#[derive(Debug)]
pub struct AuditedContainer {
    /// As it is written.
    pub container: Container,
    /// The engine whose rules were taken.
    pub engine: EngineVersion,
    /// Whether its image was read.
    pub image_read: bool,
    /// The workload of the policy that it is.
    pub workload: Option<String>,
    /// As it starts.
    pub analysis: Analysis,
    /// What a fix makes of it.
    pub plan: Plan,
    /// What the fixes that were found make of the script that its entrypoint runs.
    pub mend: Option<Mend>,
    /// The line that its name stands on.
    pub line: usize,
}

/// Looks at everything.
pub fn audit(input: &Input, options: &Options) -> Audited {
    let mut findings = Vec::new();
    let mut containers = Vec::with_capacity(input.containers.len());
    let mends = mends(input, options);
    for (audited, found) in all_containers(input, options, &mends) {
        findings.extend(found);
        containers.push(audited);
    }
    let mut of_scripts = script_findings(input, &mends);
    let mut places = Places::new(input);
    of_scripts.iter_mut().for_each(|finding| places.fill_in(finding));
    findings.extend(of_scripts);
    if options.edits {
        edits::fill_in(&mut findings, input);
    }
    findings.sort_by(|a, b| {
        let key = |one: &Finding| (one.span.start, std::cmp::Reverse(one.level), one.rule);
        a.file.cmp(&b.file).then(key(a).cmp(&key(b))).then(a.fingerprint.cmp(&b.fingerprint))
    });
    let (mut findings, waived) = waive(findings, input, options);
    keep_whole(&mut findings, &mut containers, &mends);
    Audited { containers, findings, waived }
}

/// Every container by itself, shared out among the processors where there are many.
fn all_containers(
    input: &Input,
    options: &Options,
    mends: &Mends,
) -> Vec<(AuditedContainer, Vec<Finding>)> {
    /// Fewer are not worth a thread.
    const MANY: usize = 64;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = input.containers.len().div_ceil(threads).max(MANY);
    let look = |containers: &[Container]| -> Vec<_> {
        let mut places = Places::new(input);
        let one_container = |container: &Container| {
            let (mut audited, mut found) = container_findings(container, input, options, mends);
            audited.line = places.of(&container.file, container.span.start).0;
            found.iter_mut().for_each(|finding| places.fill_in(finding));
            (audited, found)
        };
        containers.iter().map(one_container).collect()
    };
    thread::scope(|scope| {
        let parts: Vec<_> =
            input.containers.chunks(share).map(|part| scope.spawn(move || look(part))).collect();
        joined(parts).collect()
    })
}

/// What several threads came to, in their order.
pub(crate) fn joined<T>(parts: Vec<ScopedJoinHandle<'_, Vec<T>>>) -> impl Iterator<Item = T> {
    parts.into_iter().flat_map(|part| match part.join() {
        Ok(found) => found,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn container_findings(
    container: &Container,
    input: &Input,
    options: &Options,
    mends: &Mends,
) -> (AuditedContainer, Vec<Finding>) {
    let engine = options.engine_for(container);
    let analysis = analyse(container, input, &engine);
    let image = input.image_of(container);
    let script = entrypoint(container, input, mends);
    let id = options.policy_id(&container.id);
    let image_name = container.image.as_ref().map(|image| image.value.as_str());
    let workload = input.policy.as_ref().and_then(|policy| policy.workload_for(&id, image_name));
    let plan = Plan::of(container, &analysis, image, script, workload, input, &engine);
    let subject = Subject {
        container,
        analysis: &analysis,
        engine: &engine,
        image,
        steps: script.steps,
        mend: script.mend,
        workload,
        plan: &plan,
        input,
    };
    let mut findings = Vec::new();
    for rule in RULES {
        if let Check::Container(check) = rule.check {
            findings.extend(check(&subject));
        }
    }
    let audited = AuditedContainer {
        container: container.clone(),
        engine,
        image_read: image.is_some(),
        workload: workload.map(|workload| workload.name.clone()),
        analysis,
        plan,
        mend: None,
        line: 1,
    };
    (audited, findings)
}

/// The script that the container's entrypoint runs.
fn entrypoint<'a>(container: &Container, input: &'a Input, mends: &'a Mends) -> Entrypoint<'a> {
    let Some(file) = &container.entrypoint_script else { return Entrypoint::default() };
    let script = input.documents.iter().find(|document| document.path == *file);
    Entrypoint { steps: script.map_or(&[], |script| &script.steps), mend: mends.get(file.as_str()) }
}

/// What becomes of each script, by its file.
type Mends<'a> = HashMap<&'a str, Mend>;

fn mends<'a>(input: &'a Input, options: &Options) -> Mends<'a> {
    let scripts = input.documents.iter().filter(|document| !document.steps.is_empty());
    scripts
        .filter_map(|script| Some((script.path.as_str(), Mend::of(script, input, options)?)))
        .collect()
}

/// Says of each container what the fixes that are left make of its script. What was learned with a script
/// that no safe fix mends any more, since a waiver covers that, is safe no longer.
fn keep_whole(findings: &mut [Finding], containers: &mut [AuditedContainer], mends: &Mends) {
    let mends_it = |finding: &Finding, file: &str, is_safe: bool| {
        finding.fix.as_ref().is_some_and(|fix| {
            let of_it = |edits: &[FileEdit]| edits.iter().any(|edit| edit.file == file);
            matches!(&fix.change, Change::Script { edits, .. } if of_it(edits))
                && (!is_safe || fix.tier == FixTier::Safe)
        })
    };
    for one in containers.iter_mut() {
        let Some(file) = one.container.entrypoint_script.as_deref() else { continue };
        let Some(mend) = mends.get(file) else { continue };
        if one.plan.script.as_deref() == Some(mend.hash())
            && mend.changes()
            && !findings.iter().any(|finding| mends_it(finding, file, true))
        {
            one.plan.script = None;
            let reason =
                format!("it was learned with {file} mended, and a waiver leaves that as it is");
            one.plan.because = Because::Unproved(reason);
            let of_it = findings.iter_mut().filter(|finding| finding.container == one.container.id);
            for fix in of_it.filter_map(|finding| finding.fix.as_mut()) {
                if fix.because == Because::Evidence {
                    fix.because = one.plan.because.clone();
                    fix.tier = fix.because.tier();
                }
            }
        }
        if findings.iter().any(|finding| mends_it(finding, file, false)) {
            one.mend = Some(mend.clone());
        }
    }
}

fn script_findings(input: &Input, mends: &Mends) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in input.documents.iter().filter(|document| !document.steps.is_empty()) {
        let runs = |container: &&Container| {
            container.entrypoint_script.as_deref() == Some(document.path.as_str())
        };
        let container = input.containers.iter().find(runs);
        let script = Script {
            container: container.map_or(&document.path, |container| &container.id).clone(),
            file: &document.path,
            steps: &document.steps,
            mend: mends.get(document.path.as_str()),
        };
        for rule in RULES {
            if let Check::Script(check) = rule.check {
                findings.extend(check(&script));
            }
        }
    }
    findings
}

fn waive(
    findings: Vec<Finding>,
    input: &Input,
    options: &Options,
) -> (Vec<Finding>, Vec<(Finding, String)>) {
    let Some(policy) = &input.policy else { return (findings, Vec::new()) };
    let (mut kept, mut waived) = (Vec::new(), Vec::new());
    for finding in findings {
        let id = options.policy_id(&finding.container);
        let waiver: Option<&Waiver> = policy.waiver(finding.rule, &id, options.today);
        match waiver {
            Some(waiver) => waived.push((finding, waiver.reason.clone())),
            None => kept.push(finding),
        }
    }
    (kept, waived)
}

/// Lines and columns; what was found out of the last file is kept, since the next place is mostly in
/// the same one.
struct Places<'a> {
    input: &'a Input,
    file: String,
    bytes: &'a [u8],
    /// Where each line of the file begins.
    starts: Vec<usize>,
}

impl<'a> Places<'a> {
    fn new(input: &'a Input) -> Self {
        Self { input, file: String::new(), bytes: &[], starts: vec![0] }
    }

    /// Fills in the lines and columns of a finding from its bytes.
    fn fill_in(&mut self, finding: &mut Finding) {
        self.turn_to(&finding.file);
        // Without the newline that its last line ends with.
        if let Some(text) = self.bytes.get(finding.span.clone()) {
            finding.span.end = finding.span.start + text.trim_ascii_end().len();
        }
        (finding.line, finding.column) = self.of(&finding.file, finding.span.start);
        (finding.end_line, finding.end_column) = self.of(&finding.file, finding.span.end);
    }

    /// The line and column of a byte, each from 1, the column in characters.
    fn of(&mut self, file: &str, offset: usize) -> (usize, usize) {
        self.turn_to(file);
        let offset = offset.min(self.bytes.len());
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        // A continuation byte of UTF-8 is no character of its own.
        let characters = self.bytes[start..offset].iter().filter(|byte| **byte & 0xC0 != 0x80);
        (line, characters.count() + 1)
    }

    fn turn_to(&mut self, file: &str) {
        if self.file == file {
            return;
        }
        self.bytes = self.input.source(file).unwrap_or_default();
        self.starts.clear();
        self.starts.push(0);
        let ends = self.bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        self.starts.extend(ends.map(|(at, _)| at + 1));
        file.clone_into(&mut self.file);
    }
}
