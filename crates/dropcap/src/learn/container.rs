//! A container as the workload, tried in the engine that answers here.

use super::alternatives::alternatives;
use super::configured::{Translated, translate};
use super::explain::explain;
use super::linux::say_left;
use super::mended::stand_in;
use super::place::Place;
use super::pod;
use super::record::Record;
use super::running::name_of;
use super::search::{AGAIN, journal, search};
use crate::failure::Failure;
use crate::scan::project::Project;
use dropcap_audit::{AuditedContainer, Mend, script_hash, started_with};
use dropcap_engine::ImageKnowledge;
use dropcap_manifest::{Container, Engine};
use dropcap_observe::Session;
use dropcap_observe::command::TrialError;
use dropcap_observe::docker::{Client, ContainerTrial, Docker, Idle};
use dropcap_observe::journal::Journal;
use dropcap_policy::{Running, Workload};
use std::time::Duration;

/// How many lives go on at a time: their names, networks and volumes are their own.
const JOBS: usize = 2;

/// What a copy of a running container has not.
const COPY: &str = "a copy of it was tried, as it was configured and with volumes of its own: what was \
    changed in its files and volumes since it was started is not there";

/// What is asked for.
pub struct Asked<'a> {
    pub test: Option<&'a str>,
    pub name: Option<&'a str>,
    pub patience: Duration,
    pub quiet: bool,
    /// No run is traced.
    pub by_trial: bool,
    /// Names what the trials make.
    pub session: &'a Session,
}

/// Learns of one container. A script that a fix would mend is tried as it would be then; where that does
/// not work, and it does as it is written, so.
pub fn learn(
    asked: &Asked,
    place: &Place,
    project: &Project,
    audited: &AuditedContainer,
) -> Result<(Record, Journal), Failure> {
    let mend = audited.mend.as_ref().filter(|mend| mend.can_be_tried() && mend.changes());
    let learned = learn_with(asked, place, project, audited, mend);
    let (Some(mend), Err(mended)) = (mend, &learned) else { return learned };
    if !fails_at_once(mended) {
        return learned;
    }
    match learn_with(asked, place, project, audited, None) {
        Ok((mut record, journal)) => {
            let why = mended.chain();
            let why = why.lines().next().unwrap_or_default();
            let note = format!("{} was tried as it is written: mended, {why}", mend.file());
            record.notes.push(note);
            Ok((record, journal))
        }
        Err(written) if fails_at_once(&written) => learned.map_err(|mended| {
            mended.help(format!(
                "so it does with {} as it is written, and as its fix would make it: make it pass first",
                mend.file()
            ))
        }),
        Err(other) => Err(other),
    }
}

fn learn_with(
    asked: &Asked,
    place: &Place,
    project: &Project,
    audited: &AuditedContainer,
    mend: Option<&Mend>,
) -> Result<(Record, Journal), Failure> {
    let container = &audited.container;
    let cannot = |why: &str| Failure::new(format!("{} cannot be tried: {why}", container.id));
    let Some(states) = audited.analysis.states() else {
        return Err(cannot("it does not start as it is written"));
    };
    let running = name_of(container).map(str::to_owned);
    let policy = place.policy.as_ref();
    let workload = match &running {
        None => audited.workload.as_ref().and_then(|name| policy?.workload(name)),
        Some(_) => policy.and_then(|policy| {
            policy.workload_of(&Running { name: running.clone(), ..Running::default() })
        }),
    };
    let name = name(asked, container, workload);
    let known = place.policy.as_ref().and_then(|policy| policy.workload(&name));
    let test =
        asked.test.or(known.and_then(|workload| workload.test.as_deref())).ok_or_else(|| {
            cannot("nothing tells whether it works")
                .help("say it: --test 'CMD', run in the container")
        })?;
    let credentials = &states.first.credentials;
    let start = match states.is_root() {
        true => credentials.permitted,
        // It holds nothing, but a file with capabilities is executed only if it may have them.
        false => credentials.bounding,
    };
    let docker = engine_for(container)?;
    clean_up_left(asked, &docker).map_err(|error| {
        cannot("what an earlier learn left cannot be taken away").because(error)
    })?;
    let engine = docker.version().to_owned();
    let is_other = docker.is_podman() && container.engine == Engine::Docker;
    let of_pod = pod::is_of_pod(container);
    let Translated { configured, digests, mut notes, mut gaps } =
        translated(&docker, project, container)?;
    if is_other {
        notes.push(format!("`docker` talks to {engine} here: it was tried in that"));
    }
    let mut trial = ContainerTrial::new(docker, configured, test, asked.session);
    let as_written = format!("{:?}", trial.container);
    // It goes when all has been tried.
    let _stand = mend
        .map(|mend| stand_in(&mut trial.container, container, mend, asked.session))
        .transpose()?;
    trial.limit = asked.patience;
    trial.no_new_privileges = known.is_none_or(|workload| workload.no_new_privileges);
    trial.is_pod = of_pod;
    let dependencies = match of_pod {
        true => pod::before(&project.input.containers, container),
        false => dependencies(project, container, &mut notes),
    };
    for dependency in dependencies {
        let mut translated = translated(&trial.docker, project, dependency)?;
        translated.configured.ends = of_pod && pod::ends_before(dependency, container);
        trial.dependencies.push(translated.configured);
        let named = |what: &String| format!("{}: {what}", dependency.id);
        notes.extend(translated.notes.iter().map(named));
        gaps.extend(translated.gaps.iter().map(named));
    }
    let idle = trial
        .test_while_idle()
        .map_err(|error| cannot("the test cannot be tried").because(error).help(AGAIN))?;
    match idle {
        Idle::Fails => {}
        Idle::Passes => {
            return Err(Failure::new(
                "the test passes in a container in which nothing runs: it proves nothing",
            )
            .help("let it ask for what only the workload gives, such as its port"));
        }
        Idle::NoShell => {
            return Err(cannot("its image has no `sh`, by which the test is run in it").help(
                "learn with an image that has one and is the same otherwise, such as the `debug` \
                 variant of a distroless image",
            ));
        }
    }
    let key = [
        as_written,
        mend.map(|mend| mend.hash().to_owned()).unwrap_or_default(),
        format!("{:?}", trial.dependencies),
        test.to_owned(),
        start.to_string(),
        format!("{:?} {}", trial.limit, trial.no_new_privileges),
    ];
    let journal = journal(place, &name, &key, asked.quiet)?;
    let found = search(&trial, start, JOBS, journal, asked.quiet)
        .map_err(|failure| tell_more(failure, &trial))?;
    let mut record = Record::new(name, start, &found, &ContainerTrial::PHASES, &[]);
    record.test = Some(test.to_owned());
    record.container = running.is_none().then(|| project.policy_id(&container.id));
    record.running = running;
    record.provenance.engine = Some(engine);
    if of_pod {
        let (needed, bounded) = (record.needed, trial.no_new_privileges);
        let equal =
            pod::stood_for(&trial.docker, container, image(project, container), needed, bounded);
        record.provenance.engine = Some(pod::say(&trial.docker, equal, &gaps, &mut notes));
    }
    record.provenance.image_digest = digests.first().cloned();
    record.provenance.command_hash = Some(started_with(container));
    let script = match mend {
        Some(mend) => Some(mend.hash().to_owned()),
        None => script_hash(container, &project.input),
    };
    record.provenance.script = container
        .entrypoint_script
        .as_ref()
        .filter(|_| script.is_some())
        .map(|script| project.policy_id(script));
    record.provenance.script_hash = script;
    if let Some(mend) = mend {
        notes
            .push(format!("{} was tried as its fix makes it, with `dropcap` mounted", mend.file()));
    }
    record.notes = notes;
    if record.running.is_some() {
        record.notes.push(COPY.to_owned());
    }
    if !asked.by_trial {
        explain(&trial, start, &found, &mut record)?;
    }
    record.alternatives = alternatives(&trial, &found)?;
    Ok((record, found.journal))
}

/// As the engine here is asked for it.
fn translated(
    docker: &Docker,
    project: &Project,
    container: &Container,
) -> Result<Translated, Failure> {
    match pod::is_of_pod(container) {
        true => pod::translate(docker, container, image(project, container)),
        false => translate(docker, container),
    }
}

/// What is known of its image.
fn image<'p>(project: &'p Project, container: &Container) -> ImageKnowledge<'p> {
    project.input.image_of(container).map_or(ImageKnowledge::Assumed, ImageKnowledge::Read)
}

/// The engine that it is written for; for a container of a pod the one that is nearest to it.
fn engine_for(container: &Container) -> Result<Docker, Failure> {
    let cannot = |why: &str| Failure::new(format!("{} cannot be tried: {why}", container.id));
    match container.engine {
        Engine::Docker | Engine::Containerd => Docker::find().map_err(|error| {
            cannot("no engine")
                .because(error)
                .help("start Docker, or say where it listens: DOCKER_HOST=unix:///path")
        }),
        Engine::Podman => Docker::find_by(Client::Podman)
            .or_else(|error| Docker::find().ok().filter(Docker::is_podman).ok_or(error))
            .map_err(|error| {
                cannot("no engine")
                    .because(error)
                    .help("install podman, or say where it listens: DOCKER_HOST=unix:///path")
            }),
        Engine::OpenShell => Err(cannot("OpenShell is not asked for trials")
            .help("learn with the image in Docker, as `docker run` starts it")),
    }
}

/// Takes away what a killed session left in the engine, and says so.
fn clean_up_left(asked: &Asked, docker: &Docker) -> Result<(), TrialError> {
    let [containers, volumes, networks] = docker.clean_up_left(asked.session)?;
    let left = [(containers, "container"), (volumes, "volume"), (networks, "network")];
    say_left(&left, asked.quiet);
    Ok(())
}

fn name(asked: &Asked, container: &Container, workload: Option<&Workload>) -> String {
    if let Some(name) = asked.name {
        return name.to_owned();
    }
    if let Some(workload) = workload {
        return workload.name.clone();
    }
    if pod::is_of_pod(container) {
        return pod::workload_name(container);
    }
    let subject = container.subject();
    let image = container.image.as_ref().map(|image| image.value.as_str());
    match image {
        // A command line is called by its number.
        Some(image) if subject.bytes().all(|byte| byte.is_ascii_digit()) => {
            let short = image.rsplit('/').next().unwrap_or(image);
            short.split([':', '@']).next().unwrap_or(short).to_owned()
        }
        _ => subject.to_owned(),
    }
}

/// What has to run before, the deepest first, each once.
fn dependencies<'p>(
    project: &'p Project,
    container: &Container,
    notes: &mut Vec<String>,
) -> Vec<&'p Container> {
    fn add<'p>(
        project: &'p Project,
        of: &Container,
        seen: &mut Vec<String>,
        all: &mut Vec<&'p Container>,
        notes: &mut Vec<String>,
    ) {
        for name in &of.settings.start.depends_on {
            let id = format!("{}#{name}", of.file);
            if seen.contains(&id) {
                continue;
            }
            seen.push(id.clone());
            match project.input.containers.iter().find(|other| other.id == id) {
                Some(other) => {
                    add(project, other, seen, all, notes);
                    all.push(other);
                }
                None => notes.push(format!("it depends on {name}, which is not there")),
            }
        }
    }
    let mut all = Vec::new();
    add(project, container, &mut vec![container.id.clone()], &mut all, notes);
    all
}

/// Whether it fails with everything, so that there is nothing to be searched.
fn fails_at_once(failure: &Failure) -> bool {
    failure.chain().starts_with("it fails with all")
}

/// Where it fails with everything: whether it works as it is written now.
fn tell_more(failure: Failure, trial: &ContainerTrial) -> Failure {
    let works = fails_at_once(&failure)
        && trial.live_as_configured(&Default::default()).is_ok_and(|run| run.outcome.passed());
    if works && trial.no_new_privileges {
        return failure.help(
            "as it is written it works: what it lacks is what no-new-privileges takes away; \
             `no-new-privileges = false` in its workload lets it have that",
        );
    }
    failure
}
