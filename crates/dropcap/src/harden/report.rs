//! One report: the plan, before, the changes, after.

use super::trial::Trial;
use crate::output::Output;
use dropcap_audit::Fix;
use dropcap_prove::Proof;
use dropcap_report::prove::{Detail, text as proof_text};
use dropcap_report::text::clean;
use dropcap_report::{FileError, json::SCHEMA, text};
use serde::Serialize;

/// One container.
#[derive(Debug, Serialize)]
pub(super) struct Hardened {
    id: String,
    changes: Vec<Fix>,
    trial: Option<Trial>,
    before: Option<Proof>,
    after: Option<Proof>,
    /// Why there is no proof, where there is none.
    unproved: Vec<String>,
    /// What is left to whoever reads this.
    by_hand: Vec<String>,
}

impl Hardened {
    pub fn new(
        id: &str,
        changes: Vec<Fix>,
        trial: Option<Trial>,
        before: Result<Proof, String>,
        after: Option<Result<Proof, String>>,
    ) -> Self {
        let mut unproved = Vec::new();
        let mut keep = |what: &str, proof: Result<Proof, String>| match proof {
            Ok(proof) => Some(proof),
            Err(why) => {
                unproved.push(format!("{what}: {why}"));
                None
            }
        };
        let before = keep("before", before);
        let after = after.and_then(|after| keep("after", after));
        Self { id: id.to_owned(), changes, trial, before, after, unproved, by_hand: Vec::new() }
    }

    /// Adds what has to be done by hand, each once.
    pub fn by_hand<'a>(&mut self, helps: impl Iterator<Item = &'a str>) {
        for help in helps {
            if !self.by_hand.iter().any(|known| known == help) {
                self.by_hand.push(help.to_owned());
            }
        }
    }

    /// Whether something that should not be is open in the end, or cannot be shown to be closed.
    fn is_open(&self, written: bool) -> bool {
        let end = if written && self.after.is_some() { &self.after } else { &self.before };
        end.as_ref().is_none_or(|proof| !proof.open_beyond_allowed.is_empty())
    }
}

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: u8,
    target: String,
    pub containers: Vec<Hardened>,
    /// How many containers stay as they are.
    pub unchanged: usize,
    pub diff: String,
    pub written: Vec<String>,
    pub errors: Vec<FileError>,
    notes: Vec<String>,
    #[serde(skip)]
    fix: bool,
}

/// Said where nothing was learned.
const NOT_LEARNED: &str = "no set was learned: what is kept is what the policy, the file or the entrypoint \
    says; with a `test` in the policy and an engine it is learned first";

impl Report {
    pub fn new(target: &str, fix: bool) -> Self {
        Self {
            schema: SCHEMA,
            target: target.to_owned(),
            containers: Vec::new(),
            unchanged: 0,
            diff: String::new(),
            written: Vec::new(),
            errors: Vec::new(),
            notes: vec![NOT_LEARNED.to_owned()],
            fix,
        }
    }

    /// Puts what was learned in place of the note that nothing was.
    #[cfg(target_os = "linux")]
    pub fn learned(&mut self, said: Vec<String>) {
        if !said.is_empty() {
            self.notes = said;
        }
    }

    /// Whether something is open in the end: as the files are now.
    pub fn is_open(&self, fix: bool) -> bool {
        self.containers.iter().any(|one| one.is_open(fix))
    }

    pub fn text(&self, output: &Output) -> String {
        let detail = if output.verbose { Detail::Normal } else { Detail::Quiet };
        let mut out = String::new();
        if !output.quiet {
            out.push_str(&self.plan());
            out.push_str(&self.proofs("before", detail, |one| one.before.as_ref()));
            if !self.diff.is_empty() {
                out.push_str(&format!("changes\n{}\n", self.diff));
            }
            out.push_str(&self.proofs("after", detail, |one| one.after.as_ref()));
        }
        for error in &self.errors {
            out.push_str(&text::error(error, output.look()));
        }
        out.push_str(&self.summary());
        out
    }

    fn plan(&self) -> String {
        let mut out = "plan\n".to_owned();
        for one in &self.containers {
            if one.changes.is_empty() {
                out.push_str(&format!("  {}\n    nothing to change\n", clean(&one.id)));
            }
            for help in &one.by_hand {
                out.push_str(&format!("    by hand: {}\n", clean(help)));
            }
            let id = one.id.as_str();
            out.push_str(&text::fixes(one.changes.iter().map(|fix| (id, fix))));
            if let Some(trial) = &one.trial {
                out.push_str(&format!("    {}\n", clean(&tried(trial))));
            }
        }
        if self.unchanged > 0 {
            out.push_str(&format!("  {} more stay as they are\n", self.unchanged));
        }
        for note in &self.notes {
            out.push_str(&format!("  note: {}\n", clean(note)));
        }
        out.push('\n');
        out
    }

    fn proofs(
        &self,
        when: &str,
        detail: Detail,
        of: impl Fn(&Hardened) -> Option<&Proof>,
    ) -> String {
        let mut out = String::new();
        for one in &self.containers {
            if let Some(proof) = of(one) {
                let shown = proof_text(proof, detail);
                // In short it is one line, to which the name belongs.
                out.push_str(&match detail {
                    Detail::Quiet => format!("  {}: {shown}", clean(&one.id)),
                    _ => shown,
                });
            }
            let missing = one.unproved.iter().filter(|why| why.starts_with(when));
            missing.for_each(|why| {
                out.push_str(&format!("  {}: not shown {}\n", clean(&one.id), clean(why)))
            });
        }
        if out.is_empty() { out } else { format!("{when}\n{out}\n") }
    }

    fn summary(&self) -> String {
        let open = self.containers.iter().filter(|one| one.is_open(self.fix)).count();
        let now = match (open, self.containers.len()) {
            (_, 0) => "no container is changed".to_owned(),
            (0, _) => "nothing is open beyond what is kept".to_owned(),
            (open, all) => format!("{open} of {all} open beyond what is kept"),
        };
        match (self.written.as_slice(), self.diff.is_empty()) {
            ([], true) => format!("{now}\n"),
            ([], false) => format!(
                "{now}; nothing was written: `--fix` writes the safe changes, `--fix --unsafe-fixes` \
                 all of them\n"
            ),
            (files, _) => format!("{now}; written: {}\n", files.join(", ")),
        }
    }
}

fn tried(trial: &Trial) -> String {
    match trial {
        Trial::Passed => "tested with Docker, before and after: it passes".to_owned(),
        Trial::Broken(why) => format!("left out: with the change, {why}"),
        Trial::FailsBefore(why) => format!("not tested: without the change, {why}"),
        Trial::Untried(why) => format!("not tested: {why}"),
    }
}
