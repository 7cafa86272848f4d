//! `dropcap runtime uninstall`

use super::files::{self, Journal};
use super::reload::{self, Reload};
use super::{Places, Uninstall, install};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::print;
use dropcap_runtime::install::Engine;
use dropcap_runtime::settings::{self, Settings};
use std::fs;

pub fn run(arguments: &Uninstall) -> Result<ExitCode, Failure> {
    let Uninstall { engine, dry_run, places } = arguments;
    let engines = engine.map_or_else(|| Engine::ALL.to_vec(), |engine| vec![engine]);
    let mut found = false;
    for engine in engines {
        let path = places.journal(engine);
        let Some(journal) = Journal::load(&path)? else { continue };
        found = true;
        let now = files::read(&journal.file)?;
        let failed =
            |error| Failure::new(format!("cannot edit {}", journal.file.display())).because(error);
        let then = match now.as_deref() {
            Some(now) if *now == journal.after => journal.before.clone(),
            // Somebody has changed it since: only what is ours goes.
            Some(now) => Some(engine.unregister(now).map_err(failed)?),
            None => None,
        };
        print(&files::diff(&journal.file, now.as_deref(), then.as_deref()));
        if *dry_run {
            continue;
        }
        let between = engine.between(then.as_deref()).map_err(failed)?;
        let between = between.filter(|_| now.is_some() && reload::is_read(&journal.file));
        let heard = match between {
            // Interrupted here, the next one brings back what there was all the same.
            Some(between) => {
                Journal::new(journal.file.clone(), then.clone(), between.clone()).save(&path)?;
                files::write(&journal.file, &between)?;
                reload::all(&journal.file)
            }
            None => Ok(None),
        };
        match &then {
            Some(text) => files::write(&journal.file, text)?,
            None => files::remove(&journal.file)?,
        }
        files::remove(&path)?;
        let follows = match heard? {
            Some(Reload::Done) => "dockerd has read it, and has forgotten the runtime",
            Some(Reload::Unheard) => {
                "dockerd was told to read it, and did not: what keeps it stands in its log"
            }
            None => engine.is_forgotten(),
        };
        print(&format!(
            "no longer registered with {}\n  {follows}\n  containers that were made with it have to be \
             made anew\n",
            engine.name(),
        ));
    }
    if !found {
        print("the runtime is not installed\n");
    }
    if !dry_run && Engine::ALL.iter().all(|engine| !places.journal(*engine).exists()) {
        leave_nothing(places)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes what the last engine left: the name, what the installation wrote and nobody changed, and
/// the configurations of containers. What was recorded stays.
fn leave_nothing(places: &Places) -> Result<(), Failure> {
    let settings = Settings::load(&places.policy_directory).ok();
    let directory = &places.policy_directory;
    let written =
        [(settings::FILE_NAME, install::SETTINGS), (dropcap_policy::FILE_NAME, install::POLICY)];
    for (name, text) in written {
        let path = directory.join(name);
        match files::read(&path)? {
            Some(there) if there == text => files::remove(&path)?,
            Some(_) => print(&format!("{} was changed, and stays\n", path.display())),
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
            print(&format!("what was done stays recorded in {}\n", settings.record.display()));
        }
    }
    Ok(())
}
