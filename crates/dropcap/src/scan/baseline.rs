//! What an earlier scan found, to be left out.

use crate::failure::Failure;
use serde::Deserialize;
use std::collections::HashSet;
use std::path::Path;

#[derive(Deserialize)]
struct Document {
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    fingerprint: String,
}

/// The fingerprints in a document of `scan --format json`.
pub(crate) fn read(path: &Path) -> Result<HashSet<String>, Failure> {
    let failure = || Failure::new(format!("cannot read the baseline {}", path.display()));
    let text = std::fs::read(path).map_err(|error| failure().because(error))?;
    let document: Document = serde_json::from_slice(&text).map_err(|error| {
        failure().because(error).help("a baseline is what `dropcap scan --format json` printed")
    })?;
    Ok(document.findings.into_iter().map(|finding| finding.fingerprint).collect())
}
