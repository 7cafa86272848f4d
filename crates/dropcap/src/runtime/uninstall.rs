//! `dropcap runtime uninstall`

use super::files::{self, Journal};
use super::reload::{self, Reload};
use super::report::Report;
use super::status::containers;
use super::{Places, Uninstall, install};
use crate::exit::ExitCode;
use crate::failure::Failure;
use dropcap_runtime::install::Engine;
use dropcap_runtime::settings::{self, Settings};
use std::fs;
use std::path::Path;

pub fn run(arguments: &Uninstall, report: &mut Report) -> Result<ExitCode, Failure> {
    let Uninstall { engine, dry_run, places, .. } = arguments;
    let engines = engine.map_or_else(|| Engine::ALL.to_vec(), |engine| vec![engine]);
    let mut found = false;
    for engine in engines {
        let path = places.journal(engine);
        let Some(journal) = Journal::load(&path)? else { continue };
        found = true;
        let running = under_it(&[engine]);
        if engine == Engine::Podman && !running.is_empty() {
            let what =
                "Podman ends containers by the runtimes that it knows, and under this one run";
            return Err(Failure::new(format!("{what} {running}"))
                .help("remove them first: podman rm --force NAME"));
        }
        let now = files::read(&journal.file)?;
        let failed =
            |error| Failure::new(format!("cannot edit {}", journal.file.display())).because(error);
        let then = match now.as_deref() {
            Some(now) if *now == journal.after => journal.before.clone(),
            // Somebody has changed it since: only what is ours goes.
            Some(now) => Some(engine.unregister(now, journal.before.as_deref()).map_err(failed)?),
            None => None,
        };
        report.change(engine, &journal.file, now.as_deref(), then.as_deref());
        if *dry_run {
            continue;
        }
        let keep = now.as_deref().filter(|_| !running.is_empty());
        let between = engine.between(then.as_deref(), keep).map_err(failed)?;
        let between = between.filter(|_| now.is_some() && reload::is_read(&journal.file));
        // Interrupted in there, the next one brings back what there was all the same.
        if let Some(between) = &between {
            Journal::new(journal.file.clone(), then.clone(), between.clone()).save(&path)?;
        }
        let heard = bring(&journal.file, between.as_deref(), then.as_deref())?;
        files::remove(&path)?;
        let follows = match heard {
            Some(Reload::Done) if running.is_empty() => {
                "dockerd has read it, and has forgotten the runtime"
            }
            Some(Reload::Done) => "dockerd has read it, and makes no container with the runtime",
            Some(Reload::Unheard) => {
                "dockerd was told to read it, and did not: what keeps it stands in its log"
            }
            None => engine.is_forgotten(),
        };
        report.say(&format!(
            "no longer registered with {}\n  {follows}\n  containers that were made with it have to be \
             made anew\n",
            engine.name(),
        ));
    }
    if !found {
        report.say("the runtime is not installed\n");
    }
    if !dry_run && Engine::ALL.iter().all(|engine| !places.journal(*engine).exists()) {
        let names = under_it(&Engine::ALL);
        let link = places.link.display();
        if names.is_empty() {
            // What ran by it the last time has ended since: now it can be forgotten.
            if !found && fs::symlink_metadata(&places.link).is_ok() {
                forget(&places.configuration(Engine::Docker))?;
            }
            leave_nothing(places, report)?;
        } else {
            report.say(&format!(
                "{link} stays, since these run and are ended by it: {names}\n  make them anew, then once more: \
                 dropcap runtime uninstall\n"
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Has a dockerd that runs forget the runtime, which `file` says nothing of any more.
fn forget(file: &Path) -> Result<(), Failure> {
    // Where there is no folder for it, no dockerd has read it.
    if !file.parent().is_some_and(Path::is_dir) {
        return Ok(());
    }
    let now = files::read(file)?;
    let failed = |error| Failure::new(format!("cannot read {}", file.display())).because(error);
    let between = Engine::Docker.between(now.as_deref(), None).map_err(failed)?;
    bring(file, between.as_deref(), now.as_deref()).map(drop)
}

/// Makes a file say `then`; before, an engine that runs reads `between`.
fn bring(
    file: &Path,
    between: Option<&str>,
    then: Option<&str>,
) -> Result<Option<Reload>, Failure> {
    let heard = match between {
        Some(between) => files::write(file, between).and_then(|()| reload::all(file)),
        None => Ok(None),
    };
    match then {
        Some(text) => files::write(file, text)?,
        None => files::remove(file)?,
    }
    heard
}

/// The names of what runs under it; where nobody answers, nothing does.
fn under_it(engines: &[Engine]) -> String {
    let running = engines.iter().filter_map(|engine| containers::under_it(*engine).ok()).flatten();
    running.map(|container| container.name).collect::<Vec<_>>().join(", ")
}

/// Removes what the last engine left: the name, what the installation wrote and nobody changed, and
/// the configurations of containers. What was recorded stays.
fn leave_nothing(places: &Places, report: &mut Report) -> Result<(), Failure> {
    let settings = Settings::load(&places.policy_directory).ok();
    let directory = &places.policy_directory;
    let written =
        [(settings::FILE_NAME, install::SETTINGS), (dropcap_policy::FILE_NAME, install::POLICY)];
    for (name, text) in written {
        let path = directory.join(name);
        match files::read(&path)? {
            Some(there) if there == text => files::remove(&path)?,
            Some(_) => report.say(&format!("{} was changed, and stays\n", path.display())),
            None => {}
        }
    }
    if fs::symlink_metadata(&places.link).is_ok_and(|metadata| metadata.is_symlink()) {
        files::remove(&places.link)?;
    }
    // Folders that are not empty stay.
    let _ = fs::remove_dir(directory.join("installed"));
    let _ = fs::remove_dir(directory);
    if let Some(settings) = settings {
        dropcap_runtime::forget(&settings.state).map_err(|error| {
            Failure::new(format!("cannot clear {}", settings.state.display())).because(error)
        })?;
        if settings.record.exists() {
            report.say(&format!("what was done stays recorded in {}\n", settings.record.display()));
        }
    }
    Ok(())
}
