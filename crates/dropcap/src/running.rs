//! Containers that run, as their engines know them.

use crate::failure::Failure;
use std::io;
use std::process::{Command, Output};

/// The engines' command lines, in the order in which they are asked; each honours its own
/// environment, such as DOCKER_HOST.
const ENGINES: [&str; 2] = ["docker", "podman"];

/// A running container.
pub(crate) struct Running {
    /// The engine's command.
    pub engine: &'static str,
    /// Its name.
    pub name: String,
    /// Its first process, as seen from here.
    pub pid: i32,
}

/// The containers that run, and which engines could not be asked.
pub(crate) struct AllRunning {
    /// Engine by engine, in the engine's order.
    pub containers: Vec<Running>,
    /// What the engines said that are there but do not answer.
    pub silent: Vec<String>,
}

impl Running {
    /// The container with this name or id, by the first engine that knows it.
    pub(crate) fn find(name: &str) -> Result<Self, Failure> {
        let mut said = Vec::new();
        for engine in ENGINES {
            match Command::new(engine)
                .args(["inspect", "--type", "container", "--format", "{{.State.Pid}}", name])
                .output()
            {
                Ok(output) if output.status.success() => {
                    let pid = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0);
                    if pid == 0 {
                        return Err(Failure::new(format!("the container {name} is not running"))
                            .help(format!("start it: {engine} start {name}")));
                    }
                    return Ok(Self { engine, name: name.to_owned(), pid });
                }
                Ok(output) => said.push(format!("{engine}: {}", last_line(&output))),
                Err(error) => said.push(format!("{engine}: {error}")),
            }
        }
        Err(Failure::new(format!("there is no container {name}"))
            .because(io::Error::other(said.join("; ")))
            .help("`docker ps` or `podman ps` lists the running ones"))
    }

    /// All that run, of every engine whose command is there.
    pub(crate) fn all() -> Result<AllRunning, Failure> {
        let mut found = AllRunning { containers: Vec::new(), silent: Vec::new() };
        let mut answered = 0;
        for engine in ENGINES {
            match Self::all_of(engine) {
                Ok(containers) => {
                    answered += 1;
                    found.containers.extend(containers);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.silent.push(format!("{engine}: {error}")),
            }
        }
        if answered > 0 {
            return Ok(found);
        }
        let why = match found.silent.as_slice() {
            [] => format!("none of {} is installed", ENGINES.join(", ")),
            said => said.join("; "),
        };
        Err(Failure::new("no engine can be asked for its containers")
            .because(io::Error::other(why))
            .help("use pid:N for a process, or processes: for all of them"))
    }

    fn all_of(engine: &'static str) -> io::Result<Vec<Self>> {
        let ids = answer(Command::new(engine).args(["ps", "--quiet", "--no-trunc"]))?;
        if ids.trim().is_empty() {
            return Ok(Vec::new());
        }
        // One that has gone meanwhile is an error of the command's, and the others are still told.
        let output = Command::new(engine)
            .args(["inspect", "--type", "container", "--format", "{{.State.Pid}} {{.Name}}"])
            .args(ids.split_whitespace())
            .output()?;
        let lines = String::from_utf8_lossy(&output.stdout);
        let running = |line: &str| {
            let (pid, name) = line.split_once(' ')?;
            let pid = pid.parse().ok().filter(|pid| *pid > 0)?;
            Some(Self { engine, name: name.trim_start_matches('/').to_owned(), pid })
        };
        Ok(lines.lines().filter_map(running).collect())
    }
}

/// What a command prints; where it fails, the last line of what it says.
fn answer(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(last_line(&output)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The last line of what a command says on standard error.
pub(crate) fn last_line(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.trim().lines().last().unwrap_or("it said nothing").to_owned()
}
