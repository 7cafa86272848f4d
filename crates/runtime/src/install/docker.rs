//! dockerd's `daemon.json`: `runtimes` and `default-runtime` (dockerd(8)).

use super::{EditError, RUNTIME, Registered, Registration};
use crate::document::Object;

const RUNTIMES: &str = "runtimes";
const DEFAULT: &str = "default-runtime";

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

pub fn unregister(text: &str) -> Result<String, EditError> {
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
        daemon.remove(DEFAULT);
    }
    Ok(daemon.to_lines())
}

pub fn registered(text: &str) -> Result<Registered, EditError> {
    let daemon = parse(text)?;
    let runtimes = daemon.read::<Object>(RUNTIMES)?.unwrap_or_default();
    Ok(Registered {
        registered: runtimes.get(RUNTIME)?.is_some(),
        default: daemon.read::<String>(DEFAULT)?.as_deref() == Some(RUNTIME),
    })
}
