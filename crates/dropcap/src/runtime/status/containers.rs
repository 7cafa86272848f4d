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

/// containerd's state. Its shim keeps what it has started in `runc/NAMESPACE/ID`; Docker's are in `moby`, and
/// Docker is asked itself.
const CONTAINERD: &str = "/run/containerd";
/// There, by namespace and id, is what each container was started with; the file `runtime` names what the shim calls
/// (containerd `cmd/containerd-shim-runc-v2/runc/container.go`, `WriteRuntime`).
const TASKS: &str = "io.containerd.runtime.v2.task";
/// What it calls unless it is told otherwise.
const USUAL: &str = "runc";

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
        Engine::Containerd => Ok(kept(Path::new(CONTAINERD))),
        Engine::Crio => Ok(monitored(Path::new("/proc"))),
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

/// What containerd's shims have started.
fn kept(containerd: &Path) -> Vec<Container> {
    let folders = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let shim = containerd.join("runc");
    let namespaces =
        folders(&shim).into_iter().filter(|path| path.file_name() != Some("moby".as_ref()));
    let containers = namespaces.flat_map(|namespace| folders(&namespace));
    containers
        .filter_map(|path| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            let task = containerd.join(TASKS).join(path.strip_prefix(&shim).ok()?);
            let called = std::fs::read_to_string(task.join("runtime")).unwrap_or_default();
            let called = Path::new(called.trim()).file_name();
            let is_ours = called.is_some_and(dropcap_runtime::is_called);
            let runtime = match called {
                _ if is_ours => RUNTIME.to_owned(),
                Some(other) => other.to_string_lossy().into_owned(),
                None => USUAL.to_owned(),
            };
            Some(Container { name, runtime, is_ours })
        })
        .collect()
}

/// What CRI-O has a conmon stand beside, which ends it by the runtime that it is told of (`internal/oci/runtime_oci.go`,
/// `CreateContainer`). Podman's conmons have a command to execute at the end, and Podman is asked itself.
fn monitored(proc: &Path) -> Vec<Container> {
    let processes = std::fs::read_dir(proc).into_iter().flatten().flatten();
    let lines = processes.filter_map(|one| std::fs::read(one.path().join("cmdline")).ok());
    lines
        .filter_map(|line| {
            let line = String::from_utf8_lossy(&line).into_owned();
            let words: Vec<&str> = line.split('\0').collect();
            let is_conmon = Path::new(words[0]).file_name() == Some("conmon".as_ref());
            if !is_conmon || words.contains(&"--exit-command") {
                return None;
            }
            let behind = |flag: &str| {
                let at = words.iter().position(|word| *word == flag)?;
                words.get(at + 1).copied()
            };
            let called = Path::new(behind("-r")?).file_name()?;
            let is_ours = dropcap_runtime::is_called(called);
            let runtime = if is_ours { RUNTIME.into() } else { called.to_string_lossy() };
            let name = behind("-n").or_else(|| behind("-c"))?.to_owned();
            Some(Container { name, runtime: runtime.into_owned(), is_ours })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;
    use std::fs;

    #[test]
    fn containerds_containers_are_known_by_what_their_shim_calls() {
        let root = tempfile::tempdir().unwrap();
        let make = |container: &str, runtime: &str| {
            fs::create_dir_all(root.path().join("runc").join(container)).unwrap();
            let task = root.path().join(TASKS).join(container);
            fs::create_dir_all(&task).unwrap();
            fs::write(task.join("runtime"), runtime).unwrap();
        };
        make("default/held", "/usr/local/bin/dropcap-runtime");
        make("k8s.io/usual", "");
        make("k8s.io/other", "/usr/bin/crun");
        make("moby/dockers", "");
        let mut found: Vec<_> = kept(root.path())
            .into_iter()
            .map(|one| format!("{} {} {}", one.name, one.runtime, one.is_ours))
            .collect();
        found.sort();
        assert_eq!(found, ["held dropcap true", "other crun false", "usual runc false"]);
    }

    #[test]
    fn crios_containers_are_known_by_what_conmon_calls() {
        let proc = tempfile::tempdir().unwrap();
        let lines = [
            "/usr/bin/conmon -b /b -c 1 -n k8s_app -r /usr/local/bin/dropcap-runtime -u 1",
            "/usr/libexec/crio/conmon -c 2 -n k8s_db -r /usr/bin/crun --runtime-arg --root=/run/crun",
            "/usr/bin/conmon -c 3 -n podmans -r /usr/local/bin/dropcap-runtime --exit-command /usr/bin/podman",
            "sh -c conmon -r /usr/local/bin/dropcap-runtime",
            "",
        ];
        for (number, line) in lines.iter().enumerate() {
            let process = proc.path().join(number.to_string());
            fs::create_dir(&process).unwrap();
            fs::write(process.join("cmdline"), line.replace(' ', "\0")).unwrap();
        }
        let mut found: Vec<_> = monitored(proc.path())
            .into_iter()
            .map(|one| format!("{} {} {}", one.name, one.runtime, one.is_ours))
            .collect();
        found.sort();
        assert_eq!(found, ["k8s_app dropcap true", "k8s_db crun false"]);
    }
}
