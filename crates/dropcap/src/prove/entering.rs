//! A container without a shell or a place to write to: its namespaces are entered from memory, with
//! the credentials that the engine's exec would give.

use crate::failure::Failure;
use dropcap_capability::CapabilitySet;
use dropcap_confine::sys;
use dropcap_engine::{EngineVersion, Host, ImageKnowledge, Process, initial_state};
use dropcap_image::read_rootfs;
use dropcap_manifest::{Settings, Spanned};
use dropcap_prove::{Proof, SearchLimits, join, prove};
use serde::Deserialize;
use std::path::PathBuf;
use std::process::Command;

/// What `docker inspect` and `podman inspect` say of how it was started.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    config: Config,
    host_config: HostConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HostConfig {
    #[serde(default)]
    privileged: bool,
    cap_add: Option<Vec<String>>,
    cap_drop: Option<Vec<String>>,
    security_opt: Option<Vec<String>>,
    group_add: Option<Vec<String>>,
}

/// Enters the container, and proves from there.
pub(super) fn proof(
    engine: &str,
    name: &str,
    pid: i32,
    user: Option<&str>,
) -> Result<Proof, Failure> {
    let cannot =
        |what: &str| Failure::new(format!("the container {name} cannot be entered: {what}"));
    let output = Command::new(engine)
        .args(["inspect", "--type", "container", name])
        .output()
        .map_err(|error| cannot("its engine does not answer").because(error))?;
    let inspected: Vec<Inspected> = serde_json::from_slice(&output.stdout)
        .map_err(|error| cannot("its engine's answer is not understood").because(error))?;
    let settings = inspected
        .into_iter()
        .next()
        .map(settings)
        .ok_or_else(|| cannot("its engine says nothing about it"))?;
    let version: EngineVersion = version(engine)
        .parse()
        .map_err(|error| cannot("its engine's version is not known").because(error))?;
    let image = read_rootfs(&PathBuf::from(format!("/proc/{pid}/root")))
        .map_err(|error| cannot("its root directory cannot be read").because(error))?;
    let own = sys::read_credentials()
        .map_err(|error| cannot("dropcap's own credentials are hidden").because(error))?;
    let host =
        Host { bounding: own.permitted & own.bounding, kernel: sys::kernel(), ..Host::default() };
    let exec = Process::Exec { user, privileged: false };
    let state = initial_state(&settings, exec, ImageKnowledge::Read(&image), &version, &host)
        .map_err(|refusal| cannot("its engine would refuse the exec").because(refusal))?;
    let limits = SearchLimits::default();
    let answer = join(pid, &state.credentials, state.gate, &limits, |scene| {
        let proof = prove(name, CapabilitySet::EMPTY, &scene);
        serde_json::to_vec(&proof).unwrap_or_default()
    })
    .map_err(|error| cannot("dropcap has to be root of this machine for it").because(error))?;
    let mut proof: Proof = serde_json::from_slice(&answer).map_err(|error| {
        cannot("the process inside answered with something else").because(error)
    })?;
    proof.notes.push(
        "the image has no shell with a place to write to: dropcap entered its namespaces from \
         memory with the credentials that the engine's exec gives, by what the engine says of the \
         container; its cgroup, its security module's profile and all of its seccomp profile but the \
         part on user namespaces are not reproduced"
            .to_owned(),
    );
    proof.notes.extend(state.assumptions);
    Ok(proof)
}

fn settings(inspected: Inspected) -> Settings {
    fn spanned<T>(value: T) -> Spanned<T> {
        Spanned { value, span: 0..0 }
    }
    let all = |words: Option<Vec<String>>| {
        words.unwrap_or_default().into_iter().map(spanned).collect::<Vec<_>>()
    };
    let Inspected { config, host_config } = inspected;
    Settings {
        privileged: Some(spanned(host_config.privileged)),
        user: (!config.user.is_empty()).then(|| spanned(config.user)),
        cap_add: all(host_config.cap_add),
        cap_drop: all(host_config.cap_drop),
        security_opt: all(host_config.security_opt),
        group_add: all(host_config.group_add),
        ..Settings::default()
    }
}

/// The engine with its version, as `--engine` takes it; without one where it does not say.
fn version(engine: &str) -> String {
    let format = if engine == "docker" { "{{.Server.Version}}" } else { "{{.Client.Version}}" };
    let output = Command::new(engine).args(["version", "--format", format]).output();
    match output {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout).into_owned();
            let numbers = version.trim().split(['+', '-', '~']).next().unwrap_or_default();
            format!("{engine}@{numbers}")
        }
        _ => engine.to_owned(),
    }
}
