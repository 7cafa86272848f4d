//! `docker run` and its kin.

use std::ops::Range;

use super::{
    arguments::{Argument, Arguments},
    command::Simple,
    flags,
    word::Word,
};
use crate::{
    Build, Container, Engine, Kind, Settings, Spanned, Start, Starter,
    compose::mount::{self, Long},
    path,
};

/// A command that starts a container, its words told apart.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub engine: Engine,
    pub arguments: Arguments,
    /// From the client's name to its verb.
    pub span: Range<usize>,
}

/// Recognises `docker run|create`, `docker container run|create`, the same of podman, and
/// `openshell sandbox create`.
pub(crate) fn invocation(simple: &Simple) -> Option<Invocation> {
    let engine = match simple.program() {
        "docker" => Engine::Docker,
        "podman" => Engine::Podman,
        "openshell" => Engine::OpenShell,
        _ => return None,
    };
    let verb = verb(&simple.words)?;
    let verbs = &simple.words[verb..];
    let (skip, table) = match (engine, texts(verbs).as_slice()) {
        (Engine::OpenShell, ["sandbox", "create", ..]) => (2, flags::SANDBOX),
        (Engine::OpenShell, _) => return None,
        (_, ["run" | "create", ..]) => (1, flags::RUN),
        (_, ["container", "run" | "create", ..]) => (2, flags::RUN),
        _ => return None,
    };
    let words = &verbs[skip..];
    let start = simple.words.first()?.span.start;
    let end = verbs[skip - 1].span.end;
    Some(Invocation {
        engine,
        arguments: Arguments::read(words, table, engine == Engine::OpenShell),
        span: start..end.max(start),
    })
}

/// Where the verb stands, behind the client's own flags.
pub(super) fn verb(words: &[Word]) -> Option<usize> {
    let mut at = 1;
    while let Some(word) = words.get(at) {
        let Some(flag) = word.text.strip_prefix('-') else { return Some(at) };
        let (flag, joined) = match flag.strip_prefix('-') {
            Some(long) => (flags::long(flags::CLIENT, long.split('=').next()?), long.contains('=')),
            None => (flags::short(flags::CLIENT, flag.chars().next()?), flag.len() > 1),
        };
        at += if flag.is_some_and(|flag| flag.takes_value) && !joined { 2 } else { 1 };
    }
    None
}

pub(super) fn texts(words: &[Word]) -> Vec<&str> {
    words.iter().take(3).map(|word| word.text.as_str()).collect()
}

/// The container that a command starts.
pub(crate) fn container(file: &str, line: usize, invocation: &Invocation) -> Container {
    let mut container = Container::new(
        file,
        &line.to_string(),
        invocation.span.clone(),
        Kind::CommandLine,
        invocation.engine,
        Starter::Known,
    );
    let arguments = &invocation.arguments;
    for word in &arguments.opaque {
        let what = format!("what {} adds to the command", word.text);
        container.unknowns.push(Spanned::new(what, word.span.clone()));
    }
    for argument in arguments.flags.iter().filter(|argument| !argument.known) {
        let what = format!("the value of {} in --{}", argument.value.value, argument.name);
        container.unknowns.push(Spanned::new(what, argument.value.span.clone()));
    }
    if invocation.engine == Engine::OpenShell {
        sandbox(file, &mut container, arguments);
        return container;
    }
    let mut words = arguments.positional.iter();
    container.image = words.next().map(|word| Spanned::new(word.text.clone(), word.span.clone()));
    let command: Vec<&Word> = words.collect();
    container.settings = settings(arguments, invocation.engine);
    container.settings.command = joined(&command);
    container
}

fn settings(arguments: &Arguments, engine: Engine) -> Settings {
    let list = |name: &str| -> Vec<Spanned<String>> {
        arguments.all(name).map(|argument| argument.value.clone()).collect()
    };
    // Podman divides a capability flag's value at commas, Docker takes it whole: docker/cli,
    // opts.ListOpts; podman, cmd/podman/common/create.go (StringSliceVar).
    let capabilities = |name: &str| -> Vec<Spanned<String>> {
        if engine == Engine::Podman {
            arguments.all(name).flat_map(divided).collect()
        } else {
            list(name)
        }
    };
    let last = |name: &str| arguments.last(name).map(|argument| argument.value.clone());
    let on = |name: &str| {
        let argument = arguments.last(name)?;
        let value =
            !matches!(argument.value.value.as_str(), "false" | "0" | "f" | "F" | "FALSE" | "False");
        Some(Spanned::new(value, argument.span.clone()))
    };
    let mut mounts: Vec<_> = arguments
        .flags
        .iter()
        .filter_map(|argument| {
            let Spanned { value, span } = argument.value.clone();
            match argument.name.as_str() {
                "volume" => Some(mount::short(&value, span)),
                "mount" => Some(Long::parse(&value).mount(span)),
                "tmpfs" => Some(mount::tmpfs(&value, span)),
                _ => None,
            }
        })
        .collect();
    mounts.extend(on("use-api-socket").filter(|on| on.value).map(|on| mount::api_socket(on.span)));
    Settings {
        privileged: on("privileged"),
        user: last("user"),
        cap_add: capabilities("cap-add"),
        cap_drop: capabilities("cap-drop"),
        security_opt: list("security-opt"),
        group_add: list("group-add"),
        userns: last("userns"),
        pid: last("pid"),
        network: last("network").or_else(|| last("net")),
        ipc: last("ipc"),
        sysctls: arguments
            .all("sysctl")
            .map(|argument| {
                let (name, value) =
                    argument.value.value.split_once('=').unwrap_or((&argument.value.value, ""));
                (name.to_owned(), value.to_owned())
            })
            .collect(),
        mounts,
        read_only: on("read-only").is_some_and(|on| on.value),
        entrypoint: arguments.last("entrypoint").map(|argument| {
            let value = &argument.value.value;
            let words = if value.is_empty() { Vec::new() } else { vec![value.clone()] };
            Spanned::new(words, argument.value.span.clone())
        }),
        command: None,
        start: start(arguments),
        ..Settings::default()
    }
}

/// What bears on whether it works, and not on privilege.
fn start(arguments: &Arguments) -> Start {
    let text = |name: &str| arguments.last(name).map(|argument| argument.value.value.clone());
    let environment =
        arguments.all("env").map(|argument| match argument.value.value.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument.value.value.clone(), None),
        });
    let left_out = NOT_CARRIED.iter().filter(|name| arguments.last(name).is_some());
    Start {
        environment: environment.collect(),
        working_dir: text("workdir"),
        hostname: text("hostname"),
        init: arguments.last("init").is_some(),
        stop_signal: text("stop-signal"),
        extra_hosts: arguments.all("add-host").map(|one| one.value.value.clone()).collect(),
        depends_on: Vec::new(),
        left_out: left_out.map(|name| format!("--{name}")).collect(),
        ..Start::default()
    }
}

/// Flags that a workload may need, and that are not carried: whoever starts it again says so.
const NOT_CARRIED: [&str; 10] = [
    "device",
    "dns",
    "env-file",
    "gpus",
    "health-cmd",
    "link",
    "no-healthcheck",
    "shm-size",
    "ulimit",
    "volumes-from",
];

/// `--cap-add A,B` of podman.
fn divided(argument: &Argument) -> Vec<Spanned<String>> {
    let Spanned { value, span } = &argument.value;
    let plain = span.len() == value.len();
    let mut at = span.start;
    value
        .split(',')
        .map(|part| {
            let place = if plain { at..at + part.len() } else { span.clone() };
            at += part.len() + 1;
            Spanned::new(part.to_owned(), place)
        })
        .collect()
}

fn joined(words: &[&Word]) -> Option<Spanned<Vec<String>>> {
    let span = words.first()?.span.start..words.last()?.span.end;
    let texts = words.iter().map(|word| word.text.clone()).collect();
    Some(Spanned::new(texts, span.start..span.end.max(span.start)))
}

/// `openshell sandbox create --from SOURCE -- COMMAND`.
fn sandbox(file: &str, container: &mut Container, arguments: &Arguments) {
    if let Some(from) = arguments.last("from") {
        let source = &from.value.value;
        // openshell-cli, run.rs, resolve_from: a Dockerfile, a folder that holds one, or an image.
        // What exists cannot be asked here, so how it is written decides.
        let is_file =
            path::name(source).to_ascii_lowercase().contains("dockerfile") && !source.contains(':');
        let is_folder = source.starts_with(['.', '/', '~']) || source.ends_with('/');
        if is_file || is_folder {
            let dockerfile = if is_file { source.clone() } else { format!("{source}/Dockerfile") };
            let dockerfile = path::join(path::folder(file), &dockerfile);
            let context = path::folder(&dockerfile).to_owned();
            container.build = Some(Build { dockerfile, context, target: None });
        } else {
            container.image = Some(from.value.clone());
        }
    }
    container.settings.command = joined(&arguments.positional.iter().collect::<Vec<_>>());
}
