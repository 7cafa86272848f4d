//! containerd's `config.toml`, versions 2 (containerd 1.3 and later) and 3 (2.0 and later): a runtime of the CRI
//! plugin, whose shim calls another binary (containerd `docs/cri/config.md`, `BinaryName`).

use super::{EditError, RUNTIME, Registered, Registration, tables};
use toml_edit::{DocumentMut, Item};

/// What a file that is not there yet begins as: 2.x reads it too.
const EMPTY: &str = "version = 2\n";

/// The CRI plugin's runtimes, by the file's version.
fn runtimes(document: &DocumentMut) -> Result<[&'static str; 3], EditError> {
    // Without a version it is 1, whose plugins have other names (`config.go`).
    match document.get("version").and_then(Item::as_integer).unwrap_or(1) {
        2 => Ok(["plugins", "io.containerd.grpc.v1.cri", "containerd"]),
        3 => Ok(["plugins", "io.containerd.cri.v1.runtime", "containerd"]),
        other => Err(EditError::Version(other)),
    }
}

pub fn register(text: Option<&str>, registration: Registration<'_>) -> Result<String, EditError> {
    let mut document = tables::parse(text.unwrap_or(EMPTY))?;
    let above = runtimes(&document)?;
    // What the usual runtime is told (`SystemdCgroup`, say) holds for this one too.
    let usual = tables::get(&document, &[&above[..], &["runtimes", "runc", "options"]].concat());
    let usual: Vec<(String, Item)> = usual
        .and_then(Item::as_table_like)
        .map(|table| table.iter().map(|(key, item)| (key.to_owned(), item.clone())).collect())
        .unwrap_or_default();
    if registration.default {
        tables::set(tables::make(&mut document, &above)?, "default_runtime_name", RUNTIME);
    }
    let ours = [&above[..], &["runtimes", RUNTIME]].concat();
    tables::set(tables::make(&mut document, &ours)?, "runtime_type", "io.containerd.runc.v2");
    let options = tables::make(&mut document, &[&ours[..], &["options"]].concat())?;
    for (key, item) in usual {
        options.insert(&key, item);
    }
    tables::set(options, "BinaryName", registration.program()?);
    Ok(document.to_string())
}

pub fn unregister(text: &str, before: Option<&str>) -> Result<String, EditError> {
    let mut document = tables::parse(text)?;
    let above = runtimes(&document)?;
    if registered(text)?.default {
        let before = before.map(tables::parse).transpose()?;
        let default = [&above[..], &["default_runtime_name"]].concat();
        tables::bring_back(&mut document, &default, before.as_ref());
    }
    tables::remove(&mut document, &[&above[..], &["runtimes", RUNTIME]].concat());
    Ok(document.to_string())
}

pub fn registered(text: &str) -> Result<Registered, EditError> {
    let document = tables::parse(text)?;
    let above = runtimes(&document)?;
    let at = |path: &[&str]| tables::get(&document, &[&above[..], path].concat());
    Ok(Registered {
        registered: at(&["runtimes", RUNTIME]).is_some(),
        default: at(&["default_runtime_name"]).and_then(Item::as_str) == Some(RUNTIME),
    })
}
