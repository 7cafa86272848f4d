//! The file as serde reads it; [`crate::Policy`] is what it means.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::value::Datetime;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub version: Spanned<i64>,
    #[serde(default)]
    pub workload: Vec<Workload>,
    #[serde(default)]
    pub waiver: Vec<Waiver>,
}

/// A `[[workload]]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Workload {
    pub name: Spanned<String>,
    #[serde(default)]
    pub allow: Vec<Spanned<String>>,
    #[serde(default)]
    pub setup: Vec<Spanned<String>>,
    #[serde(default = "yes")]
    pub no_new_privileges: bool,
    #[serde(default)]
    pub user_namespaces: bool,
    pub test: Option<String>,
    #[serde(default, rename = "match")]
    pub matches: Vec<Spanned<Match>>,
    #[serde(default)]
    pub evidence: BTreeMap<Spanned<String>, Evidence>,
    pub provenance: Option<Provenance>,
}

const fn yes() -> bool {
    true
}

/// An entry of `match`, which has one of these keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Match {
    pub container: Option<Spanned<String>>,
    pub image: Option<Spanned<String>>,
    pub name: Option<Spanned<String>>,
    pub label: Option<Spanned<String>>,
    pub annotation: Option<Spanned<String>>,
    pub compose: Option<Spanned<String>>,
    pub kubernetes: Option<Spanned<String>>,
}

/// A `[workload.evidence.CAPABILITY]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evidence {
    pub verdict: crate::Verdict,
    pub because: String,
    #[serde(default)]
    pub accepted: bool,
}

/// The `[workload.provenance]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Provenance {
    pub image_digest: Option<Spanned<String>>,
    pub command_hash: Option<Spanned<String>>,
    pub script: Option<String>,
    pub script_hash: Option<Spanned<String>>,
    pub engine: Option<String>,
    pub kernel: Option<String>,
    #[serde(default)]
    pub phases: Vec<String>,
    pub date: Option<Spanned<Datetime>>,
}

/// A `[[waiver]]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiver {
    pub rule: Spanned<String>,
    pub container: Spanned<String>,
    pub reason: Spanned<String>,
    pub until: Option<Spanned<Datetime>>,
}
