//! What a TARGET names.

use super::Arguments;
use crate::failure::Failure;
use crate::output::say;
use crate::running::Running;
use dropcap_engine::EngineVersion;
use dropcap_image::{Image, ImageError, read_local, read_path};
use dropcap_manifest::{Engine, Settings};
use dropcap_prove::{
    InspectError, Inspection, SearchLimits, inspect_file, inspect_pid, inspect_processes,
    inspect_root, inspect_self,
};
use dropcap_report::inspect::Inspected;
use std::path::Path;

/// The targets that stand for as many as there are.
const PLURALS: [&str; 2] = ["processes:", "containers:"];

/// Whether a target stands for as many as there are.
pub(super) fn is_plural(target: &str) -> bool {
    PLURALS.contains(&target)
}

/// Looks at one target.
pub(super) fn inspect(target: &str, arguments: &Arguments) -> Result<Vec<Inspected>, Failure> {
    let (kind, name) = target.split_once(':').unwrap_or((target, ""));
    Ok(match (kind, name) {
        ("self", "") => one(inspect_self(&SearchLimits::default()).map_err(failed)?),
        ("pid", number) => one(pid(target, number)?),
        ("processes", "") => processes()?,
        ("container", name) => one(container(&Running::find(name)?)?),
        ("containers", "") => containers()?,
        ("rootfs", directory) => {
            let root = read_path(Path::new(directory), None);
            vec![Inspected::Root(inspect_root(
                target.to_owned(),
                &root.map_err(unreadable(target))?,
            ))]
        }
        ("image", reference) => {
            let path = Path::new(reference);
            let image = if path.exists() { read_path(path, None) } else { read_local(reference) };
            one(image_started(target, &image.map_err(unreadable(target))?, arguments)?)
        }
        _ if Path::new(target).exists() => file(target)?,
        _ if target.contains('#') => one(super::written::inspect(target, arguments)?),
        _ if target.contains('/') => file(target)?,
        _ => {
            return Err(Failure::new(format!("`{target}` is no target that can be inspected"))
                .help(
                    "use self, pid:N, processes:, container:NAME, containers:, FILE#SUBJECT, \
                 image:REF, rootfs:DIR, or the path of an executable file",
                ));
        }
    })
}

fn file(target: &str) -> Result<Vec<Inspected>, Failure> {
    let path = Path::new(target);
    let inspection = inspect_file(path).map_err(|error| {
        let failure = failed(error);
        if path.is_dir() {
            failure.help(format!("for a root directory: rootfs:{target}"))
        } else {
            failure
        }
    })?;
    Ok(vec![Inspected::File(inspection)])
}

fn one(inspection: Inspection) -> Vec<Inspected> {
    vec![Inspected::Process(Box::new(inspection))]
}

fn failed(error: InspectError) -> Failure {
    Failure::new("the target cannot be inspected").because(error)
}

/// The error for an image or a root that cannot be read.
fn unreadable(target: &str) -> impl Fn(ImageError) -> Failure {
    move |error| Failure::new(format!("{target} cannot be read: {error}"))
}

/// What its engine's defaults make of an image.
fn image_started(
    target: &str,
    image: &Image,
    arguments: &Arguments,
) -> Result<Inspection, Failure> {
    let engine = arguments.engine.unwrap_or_else(|| EngineVersion::default_for(Engine::Docker));
    let note = format!("if it is started with the defaults of {}", engine.name());
    let mut notes = vec![note];
    notes.extend(image.warnings.iter().chain(&image.assumptions).cloned());
    super::written::started(target, &Settings::default(), Some(image), &engine, notes)
}

fn pid(target: &str, number: &str) -> Result<Inspection, Failure> {
    match number.parse() {
        Ok(pid) if pid > 0 => inspect_pid(pid).map_err(failed),
        _ => Err(Failure::new(format!("`{target}` names no process"))
            .help("use pid: and a number, such as pid:1")),
    }
}

fn processes() -> Result<Vec<Inspected>, Failure> {
    let processes = inspect_processes().map_err(failed)?;
    if processes.kernel_threads > 0 {
        say(&format!("dropcap: {} kernel threads are left out", processes.kernel_threads));
    }
    Ok(processes.inspections.into_iter().map(|one| Inspected::Process(Box::new(one))).collect())
}

/// Its first process; an exec into it starts from what the engine gives, not from there.
fn container(container: &Running) -> Result<Inspection, Failure> {
    let Running { engine, name, pid } = container;
    let mut inspection = inspect_pid(*pid).map_err(|error| {
        failed(error).help(format!("the first process of {name} has the id {pid} by {engine}"))
    })?;
    inspection.target = format!("container:{name}");
    inspection
        .notes
        .insert(0, format!("the first process of a container of {engine}, pid {pid} here"));
    Ok(inspection)
}

fn containers() -> Result<Vec<Inspected>, Failure> {
    let running = Running::all()?;
    for said in &running.silent {
        say(&format!("dropcap: not asked: {said}"));
    }
    let inspections = running.containers.iter().filter_map(|one| match container(one) {
        Ok(inspection) => Some(inspection),
        // It has ended meanwhile, or is another's.
        Err(failure) => {
            say(&format!("dropcap: container:{}: {}", one.name, failure.chain()));
            None
        }
    });
    Ok(inspections.map(|one| Inspected::Process(Box::new(one))).collect())
}
