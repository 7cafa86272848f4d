//! One process of several: draws its share of the cases and lets each be lived through.

use crate::Options;
use crate::case::{Case, Operation, fields};
use crate::child;
use crate::draw::draw;
use crate::judges::{Mutation, Recorder};
use crate::model::{Prediction, Scene};
use crate::place::Place;
use crate::tally::Tally;
use crate::wire::Message;
use dropcap_capability::{Credentials, FileCapabilities};
use dropcap_confine::sys::{Fork, fork, wait};
use rustix::fd::OwnedFd;
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::File;
use std::io::{self, Write};

/// What the kernel made of a case.
struct Outcome {
    errno: i32,
    credentials: Credentials,
}

/// Works through the cases of worker number `number` of `jobs`, and writes what it counted to the
/// standard output.
///
/// # Errors
/// What keeps the test from going on; a difference is none.
pub fn work(options: &Options, number: u64, jobs: u64, seed: u64) -> io::Result<()> {
    // From here on the standard output is the pipe of the cases' processes: it is what a program
    // surely inherits.
    let mut report = File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?);
    let (answers, telling) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&answers, true)?;
    rustix::stdio::dup2_stdout(&telling)?;

    let place = Place::make()?;
    let mutations = Mutation::all();
    let mut tally = Tally::default();
    for index in (number..options.cases).step_by(jobs.max(1) as usize) {
        let case = draw(seed.wrapping_add(index), &place.namespaces);
        judge(&case, &place, &answers, &mutations, &mut tally, options.show)?;
    }
    report.write_all(tally.to_lines().as_bytes())
}

/// Lets one case happen and counts what came of it.
fn judge(
    case: &Case,
    place: &Place,
    answers: &OwnedFd,
    mutations: &[Mutation],
    tally: &mut Tally,
    show: bool,
) -> io::Result<()> {
    tally.drawn += 1;
    if let Operation::Execve(exec) = &case.operation {
        place.arrange(exec)?;
    }
    let Fork::Parent(child) = fork()? else { child::live(case, place) };
    let ended = wait(child)?;
    let messages = Message::decode_all(&read_all(answers)?).unwrap_or_default();

    let (start, attribute, outcome) = match &messages[..] {
        [Message::Skipped { step, errno }] => {
            tally.skip(format!("{step}: errno {errno}"));
            return Ok(());
        }
        [
            Message::Start { credentials, attribute },
            Message::Outcome { errno, credentials: after },
        ] => (credentials, attribute, Outcome { errno: *errno, credentials: after.clone() }),
        other => {
            let words = format!(
                "seed {}: {}: no outcome, the process ended as {ended:?} and told {other:?}",
                case.seed, case.operation
            );
            tally.differ(words);
            return Ok(());
        }
    };
    if *start != case.start {
        tally.skip("another state came about".to_owned());
        return Ok(());
    }
    let file_capabilities =
        attribute.as_deref().map(FileCapabilities::decode).transpose().map_err(io::Error::other)?;
    let namespace = &place.namespaces[case.namespace];
    let scene = Scene { case, namespace, start, file_capabilities };
    let mut recorder = Recorder::default();
    let prediction = scene.predict(&mut recorder);
    count(&scene, &outcome, recorder, mutations, tally);
    if !agrees(&prediction, start, &outcome) {
        tally.differ(describe(&scene, &prediction, &outcome));
    } else if show {
        tally.shown.push(describe(&scene, &prediction, &outcome));
    }
    Ok(())
}

fn read_all(answers: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        match rustix::io::read(answers, &mut buffer) {
            Ok(read) => bytes.extend(&buffer[..read]),
            Err(rustix::io::Errno::AGAIN) => return Ok(bytes),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A failed call must have changed nothing.
fn agrees(prediction: &Prediction, start: &Credentials, outcome: &Outcome) -> bool {
    match prediction {
        Ok(after) => outcome.errno == 0 && outcome.credentials == *after,
        Err(errno) => outcome.errno == errno.number() && outcome.credentials == *start,
    }
}

/// Counts the outcome, each decision that the model took, and each mutation that the kernel
/// contradicts. A decision that was not asked for cannot be missed: its inversion is not tried.
fn count(
    scene: &Scene<'_>,
    outcome: &Outcome,
    Recorder(mut decisions): Recorder,
    mutations: &[Mutation],
    tally: &mut Tally,
) {
    tally.outcome(scene.case.operation.kind(), &errno_name(outcome.errno));
    decisions.sort_unstable();
    decisions.dedup();
    for (branch, yes) in &decisions {
        tally.decision(*branch, *yes);
    }
    let matters = |mutation: &Mutation| match mutation {
        Mutation::Inverted(branch) => decisions.iter().any(|(asked, _)| asked == branch),
        Mutation::WithoutEffect(kind) => *kind == scene.case.operation.kind(),
        Mutation::OtherKernel => true,
    };
    for mutation in mutations.iter().copied().filter(matters) {
        if !agrees(&scene.predict_mutated(mutation), scene.start, outcome) {
            tally.notice(mutation);
        }
    }
}

fn errno_name(errno: i32) -> String {
    use dropcap_capability::Errno;
    let known =
        [Errno::EPERM, Errno::EACCES, Errno::EINVAL, Errno::ENOSPC, Errno::ENOSYS, Errno::EAGAIN];
    match known.into_iter().find(|known| known.number() == errno) {
        Some(known) => known.to_string(),
        None if errno == 0 => "ok".to_owned(),
        None => format!("errno {errno}"),
    }
}

/// The case with both answers: what was, what came of it, and where model and kernel differ.
fn describe(scene: &Scene<'_>, prediction: &Prediction, outcome: &Outcome) -> String {
    let (model, said) = match prediction {
        Ok(after) => (after, "ok".to_owned()),
        Err(errno) => (scene.start, errno.to_string()),
    };
    let namespace = scene.namespace;
    let mut lines = vec![
        format!("seed {}, user namespace: {}", scene.case.seed, namespace.name),
        format!("  operation    {}", scene.case.operation),
        format!("  file shows   {}", scene.shown_capabilities()),
        format!("  model says   {said}"),
        format!("  kernel says  {}", errno_name(outcome.errno)),
    ];
    let rows = fields(scene.start).into_iter().zip(fields(model)).zip(fields(&outcome.credentials));
    for (((name, start), (_, model)), (_, kernel)) in rows {
        lines.push(match () {
            () if model != kernel => {
                format!("  {name:12} {start} -> model {model}, kernel {kernel}   <-- differs")
            }
            () if model == start => format!("  {name:12} {start}"),
            () => format!("  {name:12} {start} -> {model}"),
        });
    }
    lines.push(format!(
        "  repeat with  scripts/differential --show --seed {} --cases 1",
        scene.case.seed
    ));
    lines.join("\n")
}
