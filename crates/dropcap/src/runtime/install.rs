//! `dropcap runtime install`

use super::Install;
use super::files::{self, Journal};
use super::reload::{self, Reload};
use super::report::Report;
use crate::exit::ExitCode;
use crate::failure::Failure;
use dropcap_runtime::install::{EditError, Engine, Registration};
use dropcap_runtime::settings;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// The settings that are installed.
pub const SETTINGS: &str = "\
# What `dropcap-runtime` does; see docs/runtime.md.
version = 1
# A container that no workload of dropcap.toml matches: observe-only changes nothing and records what
# would be taken; least-risk and drop-all take it.
without-match = \"observe-only\"
";

/// The policy that is installed.
pub const POLICY: &str = "\
# What each workload may hold; see docs/policy.md.
version = 1
";

pub fn run(arguments: &Install, report: &mut Report) -> Result<ExitCode, Failure> {
    let Install { engine, default, dry_run, places, .. } = arguments;
    let file = places.configuration(*engine);
    let before = files::read(&file)?;
    let usual = places.policy_directory == Path::new(settings::DIRECTORY);
    let registration = Registration {
        program: &places.link,
        directory: (!usual).then_some(places.policy_directory.as_path()),
        default: *default,
    };
    let after = engine
        .register(before.as_deref(), registration)
        .map_err(|error| Failure::new(format!("cannot edit {}", file.display())).because(error))?;
    let binary = binary()?;
    report.change(*engine, &file, before.as_deref(), Some(&after));
    if *dry_run {
        return Ok(ExitCode::SUCCESS);
    }

    for (name, text) in [(settings::FILE_NAME, SETTINGS), (dropcap_policy::FILE_NAME, POLICY)] {
        let path = places.policy_directory.join(name);
        if files::read(&path)?.is_none() {
            files::write(&path, text)?;
        }
    }
    link(&binary, &places.link)?;
    let journal = places.journal(*engine);
    let first = Journal::load(&journal)?.filter(|first| first.file == file);
    let original = original(*engine, before, first)
        .map_err(|error| Failure::new(format!("cannot edit {}", file.display())).because(error))?;
    Journal::new(file.clone(), original, after.clone()).save(&journal)?;
    files::write(&file, &after)?;
    let heard = match engine {
        Engine::Docker => reload::all(&file)?,
        _ => None,
    };
    report.say(&what_follows(arguments, heard));
    Ok(ExitCode::SUCCESS)
}

/// What was there before the first installation: a second one changes what that made of it, and so may somebody
/// have done since.
fn original(
    engine: Engine,
    now: Option<String>,
    first: Option<Journal>,
) -> Result<Option<String>, EditError> {
    match (now, first) {
        (Some(now), Some(first)) if now == first.after => Ok(first.before),
        (Some(now), first) if engine.registered(&now)?.registered => {
            let before = first.and_then(|first| first.before);
            engine.unregister(&now, before.as_deref()).map(Some)
        }
        (now, _) => Ok(now),
    }
}

fn what_follows(arguments: &Install, heard: Option<Reload>) -> String {
    let Install { engine, default, places, .. } = arguments;
    let mut text = format!("registered with {}\n", engine.name());
    let follows = match heard {
        Some(Reload::Done) => {
            "dockerd has read it: it counts for containers that are made from now on"
        }
        Some(Reload::Unheard) => {
            "dockerd was told to read it, and did not: what keeps it stands in its log"
        }
        None => engine.takes_effect(),
    };
    text.push_str(&format!("  {follows}\n"));
    if !default {
        text.push_str(&format!("  a container asks for it: {}\n", engine.asked_for_by()));
    }
    if let Engine::Containerd | Engine::Crio = engine {
        text.push_str("  in Kubernetes: deploy/kubernetes/\n");
    }
    text.push_str(&format!(
        "  the policy is {}\n",
        places.policy_directory.join(dropcap_policy::FILE_NAME).display()
    ));
    text.push_str(&super::status::settings_line(&places.policy_directory));
    text
}

/// This binary, where nobody but root can exchange it.
fn binary() -> Result<PathBuf, Failure> {
    let failed = |error| Failure::new("cannot find this binary").because(error);
    let binary = std::env::current_exe().map_err(failed)?;
    let folder = binary.parent().unwrap_or(Path::new("/"));
    for path in [binary.as_path(), folder] {
        let metadata = path.metadata().map_err(failed)?;
        if metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
            let what = format!("{} is not root's alone: others could exchange it", path.display());
            return Err(Failure::new(what)
                .help("copy it first, as root: install -m 755 dropcap /usr/local/bin/dropcap"));
        }
    }
    Ok(binary)
}

/// Gives the binary the runtime's name.
fn link(binary: &Path, name: &Path) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("cannot make {}", name.display())).because(error);
    if name.file_name().is_none_or(|file| file != dropcap_runtime::NAME) {
        let what = format!("{} is not called {}", name.display(), dropcap_runtime::NAME);
        return Err(Failure::new(what));
    }
    if std::fs::symlink_metadata(name).is_ok_and(|metadata| metadata.is_symlink()) {
        files::remove(name)?;
    }
    match symlink(binary, name) {
        // The binary itself may lie there: a copy for the runtime alone.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(failed),
    }
}
