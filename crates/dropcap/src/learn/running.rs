//! A container that runs, as if somebody had written it down: its engine knows how it was configured.

use crate::failure::Failure;
use crate::running::Running;
use dropcap_manifest::{Container, Engine, Kind, Mount, Settings, Spanned, Start, Starter};
use dropcap_observe::docker::{Client, Docker};
use serde_json::Value;

/// What stands for the file of a container that no file has: `container:NAME` is such a one's id.
pub const TARGET: &str = "container:";
/// Modes that say the same as nothing.
const USUAL: [&str; 6] = ["", "default", "bridge", "private", "shareable", "slirp4netns"];
/// What is asked of an engine and is not carried over, and how it is called.
const LEFT_OUT: [(&str, &str); 6] = [
    ("Devices", "devices"),
    ("DeviceRequests", "device requests"),
    ("Ulimits", "ulimits"),
    ("Links", "links"),
    ("Dns", "dns"),
    ("CgroupParent", "cgroup-parent"),
];

/// The name of a container that runs, if `container` is one.
pub fn name_of(container: &Container) -> Option<&str> {
    (container.file == TARGET).then(|| container.subject())
}

/// Asks the engine that knows it how the container `name` is configured.
pub fn find(name: &str) -> Result<Container, Failure> {
    let (client, engine) = match Running::find(name)?.engine {
        "podman" => (Client::Podman, Engine::Podman),
        _ => (Client::Docker, Engine::Docker),
    };
    let cannot = || Failure::new(format!("{TARGET}{name} cannot be tried"));
    let docker = Docker::find_by(client).map_err(|error| cannot().because(error))?;
    let answer = docker
        .ask(&["inspect", "--type", "container", name])
        .map_err(|error| cannot().because(error))?;
    let said: Value =
        serde_json::from_slice(&answer.output.stdout).map_err(|error| cannot().because(error))?;
    let said = said.get(0).ok_or_else(cannot)?;
    Ok(container(said, engine))
}

/// What the engine says, in the words that a command line would have.
fn container(said: &Value, engine: Engine) -> Container {
    let (host, config) = (&said["HostConfig"], &said["Config"]);
    let name = text(&said["Name"]).unwrap_or_default().trim_start_matches('/').to_owned();
    // Its name may be another image's by now.
    let image = text(&said["Image"]).map(written);
    let mode = |key: &str| text(&host[key]).filter(|mode| !USUAL.contains(&mode.as_str()));
    let mut left_out: Vec<String> = LEFT_OUT
        .iter()
        .filter(|(key, _)| !is_empty(&host[*key]))
        .map(|(_, word)| (*word).to_owned())
        .collect();
    let network = mode("NetworkMode");
    let is_carried = |network: &String| ["none", "host"].contains(&network.as_str());
    if let Some(network) = network.as_ref().filter(|network| !is_carried(network)) {
        left_out.push(format!("network {network}"));
    }
    let (options, inline): (Vec<_>, Vec<_>) =
        texts(&host["SecurityOpt"]).into_iter().partition(|word| !word.starts_with("seccomp={"));
    if !inline.is_empty() {
        left_out.push("its own seccomp profile".to_owned());
    }
    let settings = Settings {
        privileged: host["Privileged"].as_bool().filter(|is| *is).map(written),
        user: text(&config["User"]).map(written),
        cap_add: texts(&host["CapAdd"]).into_iter().map(written).collect(),
        cap_drop: texts(&host["CapDrop"]).into_iter().map(written).collect(),
        security_opt: options.into_iter().map(written).collect(),
        group_add: texts(&host["GroupAdd"]).into_iter().map(written).collect(),
        userns: mode("UsernsMode").map(written),
        pid: mode("PidMode").map(written),
        network: network.filter(is_carried).map(written),
        ipc: mode("IpcMode").map(written),
        sysctls: pairs(&host["Sysctls"]),
        mounts: mounts(said),
        read_only: host["ReadonlyRootfs"].as_bool().unwrap_or_default(),
        entrypoint: Some(written(texts(&config["Entrypoint"]))),
        command: Some(written(texts(&config["Cmd"]))),
        start: start(said, left_out),
        ..Settings::default()
    };
    Container {
        id: format!("{TARGET}{name}"),
        file: TARGET.to_owned(),
        span: 0..0,
        kind: Kind::CommandLine,
        engine,
        starter: Starter::Known,
        image,
        build: None,
        base: None,
        settings,
        parts: Vec::new(),
        entrypoint_script: None,
        replaces: Vec::new(),
        unknowns: Vec::new(),
    }
}

fn start(said: &Value, left_out: Vec<String>) -> Start {
    let (host, config) = (&said["HostConfig"], &said["Config"]);
    let environment = texts(&config["Env"]).into_iter().map(|one| match one.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (one, Some(String::new())),
    });
    // The engine's own choice is the beginning of the id, and another one for each container.
    let id = text(&said["Id"]).unwrap_or_default();
    let hostname = text(&config["Hostname"]).filter(|name| !id.starts_with(name));
    Start {
        environment: environment.collect(),
        working_dir: text(&config["WorkingDir"]),
        hostname,
        init: host["Init"].as_bool().unwrap_or_default(),
        stop_signal: text(&config["StopSignal"]),
        extra_hosts: texts(&host["ExtraHosts"]),
        depends_on: Vec::new(),
        left_out,
        ..Start::default()
    }
}

fn mounts(said: &Value) -> Vec<Mount> {
    let mounted = said["Mounts"].as_array().into_iter().flatten();
    let mut mounts: Vec<Mount> = mounted
        .map(|one| {
            let kind = text(&one["Type"]).unwrap_or_default();
            let name = text(&one["Name"]).unwrap_or_default();
            let source = match kind.as_str() {
                "bind" => text(&one["Source"]).unwrap_or_default(),
                // One that nobody named is called by 64 digits.
                "volume" if !(name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())) => {
                    name
                }
                _ => String::new(),
            };
            Mount {
                source,
                target: text(&one["Destination"]).unwrap_or_default(),
                bind: kind == "bind",
                read_only: one["RW"].as_bool() == Some(false),
                tmpfs: kind == "tmpfs",
                span: 0..0,
            }
        })
        .collect();
    for (target, _) in pairs(&said["HostConfig"]["Tmpfs"]) {
        if !mounts.iter().any(|mount| mount.target == target) {
            mounts.push(Mount { target, tmpfs: true, ..Mount::default() });
        }
    }
    mounts
}

fn written<T>(value: T) -> Spanned<T> {
    Spanned::new(value, 0..0)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A list; Podman 4 writes an entrypoint as one text.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        _ => value.as_array().into_iter().flatten().filter_map(text).collect(),
    }
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), text(value).unwrap_or_default())).collect()
}
