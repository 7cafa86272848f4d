//! Where what is learned is written: the policy, and the evidence and the journal beside it.

use crate::failure::Failure;
use crate::scan::fixes::replace;
use dropcap_policy::{EVIDENCE_NAME, FILE_NAME, Learned, Policy, add_record, merge};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The policy's file, which may not be there yet.
pub struct Place {
    pub file: PathBuf,
    /// What it says now.
    pub policy: Option<Policy>,
}

impl Place {
    /// The policy that was named, else the nearest one from `folder` upwards, else a new one there.
    pub fn find(named: Option<&Path>, folder: &Path) -> Result<Self, Failure> {
        let wrong = |error: dropcap_policy::PolicyError| {
            Failure::new("the policy cannot be used").because(error)
        };
        if let Some(file) = named {
            let there = file.exists();
            let policy = there.then(|| Policy::load(file)).transpose().map_err(wrong)?;
            return Ok(Self { file: file.to_owned(), policy });
        }
        let policy = Policy::find_upwards(folder).map_err(wrong)?;
        let found = policy.as_ref().and_then(|policy| policy.path.clone());
        Ok(Self { file: found.unwrap_or_else(|| folder.join(FILE_NAME)), policy })
    }

    /// The folder that it lies in.
    pub fn folder(&self) -> &Path {
        match self.file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    /// The journal of a workload's trials.
    pub fn journal(&self, workload: &str) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let name: String = workload.chars().map(plain).collect();
        self.folder().join(format!(".dropcap.learn.{name}"))
    }

    /// That there is no evidence yet, or some that more can be added to: said before anything runs.
    pub fn can_be_added_to(&self) -> Result<(), Failure> {
        let evidence = self.folder().join(EVIDENCE_NAME);
        let cannot = || {
            Failure::new(format!("nothing can be added to {}", evidence.display()))
                .help("mend it, or move it away: a new one is begun then")
        };
        let before = read(&evidence).map_err(|error| cannot().because(error))?;
        let added = add_record(&text(&before), "", serde_json::Value::Null);
        added.map(drop).map_err(|error| cannot().because(error))
    }

    /// Writes both files: the evidence first, so that a policy never claims what is not there.
    pub fn write(
        &self,
        learned: &Learned,
        record: serde_json::Value,
    ) -> Result<Vec<String>, Failure> {
        let evidence = self.folder().join(EVIDENCE_NAME);
        let cannot = |file: &Path| {
            Failure::new(format!("what was learned cannot be written into {}", file.display()))
                .help(
                    "nothing is lost: the trials are kept, and the same line again only writes it",
                )
        };
        let before = read(&evidence).map_err(|error| cannot(&evidence).because(error))?;
        let after = add_record(&text(&before), &learned.workload, record)
            .map_err(|error| cannot(&evidence).because(error))?;
        write(&evidence, before.as_deref(), &after)
            .map_err(|error| cannot(&evidence).because(error))?;
        let before = read(&self.file).map_err(|error| cannot(&self.file).because(error))?;
        let after =
            merge(&text(&before), learned).map_err(|error| cannot(&self.file).because(error))?;
        write(&self.file, before.as_deref(), &after)
            .map_err(|error| cannot(&self.file).because(error))?;
        let shown = |path: &Path| path.display().to_string();
        Ok(vec![shown(&self.file), shown(&evidence)])
    }
}

fn read(file: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match std::fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn text(bytes: &Option<Vec<u8>>) -> String {
    bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned()
}

/// In one step, so that a full disk leaves what was there.
fn write(file: &Path, before: Option<&[u8]>, after: &str) -> std::io::Result<()> {
    match before {
        Some(before) if before == after.as_bytes() => Ok(()),
        Some(before) => replace(file, before, after.as_bytes()),
        None => {
            let folder = file.parent().filter(|folder| *folder != Path::new(""));
            let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            new.write_all(after.as_bytes())?;
            let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            new.as_file().set_permissions(readable)?;
            new.as_file().sync_all()?;
            new.persist(file).map_err(|error| error.error)?;
            Ok(())
        }
    }
}
