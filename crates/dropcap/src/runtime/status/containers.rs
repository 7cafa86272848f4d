//! Which runtime has made the running containers, as each engine says it.

use dropcap_runtime::install::{Engine, RUNTIME};
use serde::Serialize;
use std::path::Path;
use std::process::{Command, Stdio};

/// A running container.
#[derive(Debug, Serialize)]
pub struct Container {
    pub name: String,
    /// The runtime that made it.
    pub runtime: String,
    #[serde(skip)]
    is_ours: bool,
}

/// Where containerd's shim keeps what it has started, by namespace and id. Docker's are in
/// `moby`, and Docker is asked itself.
const SHIM: &str = "/run/containerd/runc";

/// Those that another runtime has made.
pub fn not_under_it(engine: Engine) -> Result<Vec<Container>, String> {
    Ok(running(engine)?.into_iter().filter(|container| !container.is_ours).collect())
}

/// Those that dropcap's runtime has made, and is asked for when they are to end.
pub fn under_it(engine: Engine) -> Result<Vec<Container>, String> {
    Ok(running(engine)?.into_iter().filter(|container| container.is_ours).collect())
}

fn running(engine: Engine) -> Result<Vec<Container>, String> {
    match engine {
        Engine::Docker => asked("docker", "{{.Name}} {{.HostConfig.Runtime}}"),
        Engine::Podman => asked("podman", "{{.Name}} {{.OCIRuntime}}"),
        Engine::Containerd => Ok(kept(Path::new(SHIM))),
        // Its runtimes keep their state wherever crio.conf says; nobody is asked.
        Engine::Crio => Ok(Vec::new()),
    }
}

/// Asks an engine's client for the runtime of each container that runs.
fn asked(client: &str, format: &str) -> Result<Vec<Container>, String> {
    let ids = output(client, &["ps", "--quiet"])?;
    let ids: Vec<&str> = ids.split_whitespace().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let inspect = |ids: &[&str]| output(client, &[&["inspect", "--format", format], ids].concat());
    let containers = inspect(&ids).or_else(|error| {
        // One that has ended since makes the engine refuse the whole line.
        let each: Vec<String> = ids.iter().filter_map(|id| inspect(&[id]).ok()).collect();
        if each.is_empty() { Err(error) } else { Ok(each.concat()) }
    })?;
    let containers = containers.lines().filter_map(|line| line.split_once(' '));
    Ok(containers
        .map(|(name, runtime)| Container {
            name: name.trim_start_matches('/').to_owned(),
            runtime: runtime.to_owned(),
            is_ours: runtime == RUNTIME,
        })
        .collect())
}

fn output(client: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(client).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{client}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{client}: {}", said.lines().next().unwrap_or("failed")))
    }
}

/// What lies in the shim's folders. A container that was only observed counts as another's: nothing holds it.
fn kept(shim: &Path) -> Vec<Container> {
    let folders = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let namespaces =
        folders(shim).into_iter().filter(|path| path.file_name() != Some("moby".as_ref()));
    let containers = namespaces.flat_map(|namespace| folders(&namespace));
    containers
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            let is_ours = dropcap_runtime::is_ours(&path);
            let runtime = if is_ours { RUNTIME } else { "another runtime, or only observed" };
            Some(Container { name, runtime: runtime.to_owned(), is_ours })
        })
        .collect()
}
