//! Podman's `containers.conf`: `[engine.runtimes]` and `runtime` of `[engine]` (containers.conf(5)).

use super::{EditError, RUNTIME, Registered, Registration, tables};
use toml_edit::Array;

const RUNTIMES: [&str; 2] = ["engine", "runtimes"];
const DEFAULT: [&str; 2] = ["engine", "runtime"];

pub fn register(text: Option<&str>, registration: Registration<'_>) -> Result<String, EditError> {
    let mut document = tables::parse(text.unwrap_or(""))?;
    let paths = Array::from_iter([registration.program()?]);
    if registration.default {
        tables::set(tables::make(&mut document, &["engine"])?, DEFAULT[1], RUNTIME);
    }
    tables::set(tables::make(&mut document, &RUNTIMES)?, RUNTIME, paths);
    Ok(document.to_string())
}

pub fn unregister(text: &str, before: Option<&str>) -> Result<String, EditError> {
    let mut document = tables::parse(text)?;
    if registered(text)?.default {
        let before = before.map(tables::parse).transpose()?;
        tables::bring_back(&mut document, &DEFAULT, before.as_ref());
    }
    tables::remove(&mut document, &["engine", "runtimes", RUNTIME]);
    Ok(document.to_string())
}

pub fn registered(text: &str) -> Result<Registered, EditError> {
    let document = tables::parse(text)?;
    Ok(Registered {
        registered: tables::get(&document, &["engine", "runtimes", RUNTIME]).is_some(),
        default: tables::get(&document, &DEFAULT).and_then(|item| item.as_str()) == Some(RUNTIME),
    })
}
