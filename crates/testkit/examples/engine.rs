//! Runs a command with a Docker daemon of its own: `DOCKER_HOST` says where, and the daemon goes with it.

#![allow(clippy::print_stderr, reason = "a program")]

use dropcap_testkit::docker::Docker;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let Some((program, arguments)) = words.split_first() else {
        eprintln!("engine: which command?");
        return ExitCode::from(2);
    };
    let docker = match Docker::start() {
        Ok(docker) => docker,
        Err(why) => {
            eprintln!("engine: needs root and docker.io: run `make setup`. {why}");
            return ExitCode::FAILURE;
        }
    };
    let mut command = Command::new(program);
    command.args(arguments).env("DOCKER_HOST", docker.host()).env_remove("DOCKER_CONTEXT");
    // The client that belongs to the daemon, before any other.
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = docker.client().parent().unwrap_or(docker.client()).display().to_string();
    match command.env("PATH", format!("{folder}:{path}")).status() {
        Ok(status) => ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)),
        Err(error) => {
            eprintln!("engine: {}: {error}", program.to_string_lossy());
            ExitCode::FAILURE
        }
    }
}
