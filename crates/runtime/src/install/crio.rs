//! CRI-O's drop-in below `crio.conf.d`: a runtime handler (crio.conf(5), `[crio.runtime.runtimes]`).

use super::{EditError, RUNTIME, Registered, Registration, tables};

const OURS: [&str; 4] = ["crio", "runtime", "runtimes", RUNTIME];
const DEFAULT: [&str; 3] = ["crio", "runtime", "default_runtime"];

pub fn register(text: Option<&str>, registration: Registration<'_>) -> Result<String, EditError> {
    let mut document = tables::parse(text.unwrap_or(""))?;
    if registration.default {
        tables::set(tables::make(&mut document, &DEFAULT[..2])?, DEFAULT[2], RUNTIME);
    }
    let ours = tables::make(&mut document, &OURS)?;
    tables::set(ours, "runtime_path", registration.program()?);
    tables::set(ours, "runtime_type", "oci");
    Ok(document.to_string())
}

pub fn unregister(text: &str, before: Option<&str>) -> Result<String, EditError> {
    let mut document = tables::parse(text)?;
    if registered(text)?.default {
        let before = before.map(tables::parse).transpose()?;
        tables::bring_back(&mut document, &DEFAULT, before.as_ref());
    }
    tables::remove(&mut document, &OURS);
    Ok(document.to_string())
}

pub fn registered(text: &str) -> Result<Registered, EditError> {
    let document = tables::parse(text)?;
    Ok(Registered {
        registered: tables::get(&document, &OURS).is_some(),
        default: tables::get(&document, &DEFAULT).and_then(|item| item.as_str()) == Some(RUNTIME),
    })
}
