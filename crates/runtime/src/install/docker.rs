//! dockerd's `daemon.json`: `runtimes` and `default-runtime` (dockerd(8)).

use super::{EditError, RUNTIME, Registered, Registration};
use crate::document::Object;

const RUNTIMES: &str = "runtimes";
const DEFAULT: &str = "default-runtime";
/// The one that dockerd always has.
const STOCK: &str = "runc";

fn parse(text: &str) -> Result<Object, EditError> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    Ok(Object::parse(text, "daemon.json")?)
}

pub fn register(text: Option<&str>, registration: Registration<'_>) -> Result<String, EditError> {
    let mut daemon = parse(text.unwrap_or("{}"))?;
    let mut runtimes = daemon.read::<Object>(RUNTIMES)?.unwrap_or_default();
    let mut ours = Object::default();
    ours.set("path", &registration.program()?)?;
    if let Some(directory) = registration.directory {
        let directory = directory.to_str().ok_or(EditError::NotUnicode)?;
        ours.set("runtimeArgs", &[format!("{}{directory}", crate::CONFIG)])?;
    }
    runtimes.set(RUNTIME, &ours)?;
    daemon.set(RUNTIMES, &runtimes)?;
    if registration.default {
        daemon.set(DEFAULT, &RUNTIME)?;
    }
    Ok(daemon.to_lines())
}

pub fn unregister(text: &str, before: Option<&str>) -> Result<String, EditError> {
    let mut daemon = parse(text)?;
    if let Some(mut runtimes) = daemon.read::<Object>(RUNTIMES)? {
        runtimes.remove(RUNTIME);
        if runtimes.is_empty() {
            daemon.remove(RUNTIMES);
        } else {
            daemon.set(RUNTIMES, &runtimes)?;
        }
    }
    if registered(text)?.default {
        match before
            .map(parse)
            .transpose()?
            .map(|before| before.read::<String>(DEFAULT))
            .transpose()?
        {
            Some(Some(before)) if before != RUNTIME => daemon.set(DEFAULT, &before)?,
            _ => daemon.remove(DEFAULT),
        }
    }
    Ok(daemon.to_lines())
}

/// What a dockerd that runs has to read before `then`, which it is to read from now on, so that it forgets every runtime
/// that `then` does not name: at a reload it keeps what a file leaves out (moby `daemon/reload.go`).
pub fn forgets(then: Option<&str>) -> Result<String, EditError> {
    let mut daemon = parse(then.unwrap_or("{}"))?;
    if daemon.get(RUNTIMES)?.is_none() {
        daemon.set(RUNTIMES, &Object::default())?;
    }
    daemon.set(DEFAULT, &default(&daemon)?)?;
    Ok(daemon.to_lines())
}

/// The same, but it keeps the runtimes of `now`, since with one of them goes what its running containers are ended by.
pub fn retires(now: &str, then: Option<&str>) -> Result<String, EditError> {
    let mut daemon = parse(now)?;
    daemon.set(DEFAULT, &default(&parse(then.unwrap_or("{}"))?)?)?;
    Ok(daemon.to_lines())
}

fn default(daemon: &Object) -> Result<String, EditError> {
    Ok(daemon.read::<String>(DEFAULT)?.unwrap_or_else(|| STOCK.to_owned()))
}

pub fn registered(text: &str) -> Result<Registered, EditError> {
    let daemon = parse(text)?;
    let runtimes = daemon.read::<Object>(RUNTIMES)?.unwrap_or_default();
    Ok(Registered {
        registered: runtimes.get(RUNTIME)?.is_some(),
        default: daemon.read::<String>(DEFAULT)?.as_deref() == Some(RUNTIME),
    })
}
