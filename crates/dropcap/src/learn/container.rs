//! A container as the workload, tried in the engine that answers here.

use super::alternatives::alternatives;
use super::configured::{Translated, translate};
use super::explain::explain;
use super::linux::say_left;
use super::place::Place;
use super::record::Record;
use super::running::name_of;
use super::search::{AGAIN, journal, search};
use crate::failure::Failure;
use crate::scan::project::Project;
use dropcap_audit::{AuditedContainer, started_with};
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

/// Learns of one container.
pub fn learn(
    asked: &Asked,
    place: &Place,
    project: &Project,
    audited: &AuditedContainer,
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
    let Translated { configured, digests, mut notes } = translate(&docker, container)?;
    if is_other {
        notes.push(format!("`docker` talks to {engine} here: it was tried in that"));
    }
    let mut trial = ContainerTrial::new(docker, configured, test, asked.session);
    trial.limit = asked.patience;
    trial.no_new_privileges = known.is_none_or(|workload| workload.no_new_privileges);
    for dependency in dependencies(project, container, &mut notes) {
        let translated = translate(&trial.docker, dependency)?;
        trial.dependencies.push(translated.configured);
        notes.extend(translated.notes.iter().map(|note| format!("{}: {note}", dependency.id)));
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
        format!("{:?}", trial.container),
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
    record.provenance.image_digest = digests.first().cloned();
    record.provenance.command_hash = Some(started_with(container));
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

/// The engine that it is written for.
fn engine_for(container: &Container) -> Result<Docker, Failure> {
    let cannot = |why: &str| Failure::new(format!("{} cannot be tried: {why}", container.id));
    match container.engine {
        Engine::Docker => Docker::find().map_err(|error| {
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
        Engine::Containerd => Err(cannot("containerd is not asked for trials")),
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

/// Where it fails with everything: whether it works as it is written now.
fn tell_more(failure: Failure, trial: &ContainerTrial) -> Failure {
    let fails_at_once = failure.chain().starts_with("it fails with all");
    let works = fails_at_once
        && trial.live_as_configured(&Default::default()).is_ok_and(|run| run.outcome.passed());
    if works && trial.no_new_privileges {
        return failure.help(
            "as it is written it works: what it lacks is what no-new-privileges takes away; \
             `no-new-privileges = false` in its workload lets it have that",
        );
    }
    failure
}
