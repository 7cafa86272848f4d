//! What was learned: for the policy, for the evidence, and for whoever reads it now.

use super::search::Found;
use dropcap_capability::{Capability, CapabilitySet};
use dropcap_observe::{Failure, Run, Substitute};
use dropcap_policy::{Comparison, Date, Evidence, Learned, Provenance, Verdict};
use dropcap_report::json::SCHEMA;
use dropcap_report::text::clean;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A capability that it fails without.
pub struct Broken {
    pub capability: Capability,
    pub failure: Failure,
    /// The call that was refused, where a trace showed it.
    pub call: Option<String>,
}

/// A call that was refused while everything passed.
pub struct Refused {
    pub capability: Capability,
    pub call: String,
}

/// Something other than a capability that would do, and what would have to change.
pub struct Alternative {
    /// In place of these.
    pub instead_of: CapabilitySet,
    pub change: String,
}

/// All that was learned of one workload.
pub struct Record {
    pub workload: String,
    /// The container's id, from the policy's folder.
    pub container: Option<String>,
    /// The name of a running one that was copied.
    pub running: Option<String>,
    pub test: Option<String>,
    pub start: CapabilitySet,
    pub needed: CapabilitySet,
    pub without: Vec<Broken>,
    pub refused: Vec<Refused>,
    pub substitutes: Vec<Substitute>,
    pub alternatives: Vec<Alternative>,
    pub not_covered: Vec<String>,
    pub provenance: Provenance,
    pub notes: Vec<String>,
    made: Vec<(CapabilitySet, Run)>,
}

impl Record {
    pub fn new(
        workload: String,
        start: CapabilitySet,
        found: &Found,
        phases: &[&str],
        not_covered: &[&str],
    ) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let without = found.minimum.without.iter().map(|(capability, failure)| Broken {
            capability: *capability,
            failure: failure.clone(),
            call: None,
        });
        Self {
            workload,
            container: None,
            running: None,
            test: None,
            start,
            needed: found.minimum.needed,
            without: without.collect(),
            refused: Vec::new(),
            substitutes: found.minimum.substitutes.clone(),
            alternatives: Vec::new(),
            not_covered: owned(not_covered),
            provenance: Provenance {
                kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                    .ok()
                    .map(|text| text.trim().to_owned()),
                phases: owned(phases),
                date: Some(Date::today()),
                ..Provenance::default()
            },
            notes: Vec::new(),
            made: found.made.clone(),
        }
    }

    /// For the policy.
    pub fn learned(&self) -> Learned {
        let mut evidence = BTreeMap::new();
        for refused in &self.refused {
            let (verdict, because) = (Verdict::RefusedButPassed, refused.call.clone());
            evidence.insert(refused.capability, Evidence { verdict, because, accepted: false });
        }
        for broken in &self.without {
            let (verdict, because) = (Verdict::Needed, clean(&broken.because()).into_owned());
            evidence.insert(broken.capability, Evidence { verdict, because, accepted: false });
        }
        Learned {
            workload: self.workload.clone(),
            container: self.container.clone(),
            running: self.running.clone(),
            test: self.test.clone(),
            needed: self.needed,
            evidence,
            provenance: self.provenance.clone(),
        }
    }

    /// How many runs it took.
    pub fn runs(&self) -> usize {
        self.made.len()
    }

    /// For programs, and for the evidence.
    pub fn json(&self, comparison: &Comparison) -> Value {
        let without = self.without.iter().map(|one| {
            json!({
                "capability": one.capability.to_string(), "phase": one.failure.phase,
                "how": one.failure.how, "output": one.failure.output, "call": one.call,
            })
        });
        let refused = self
            .refused
            .iter()
            .map(|one| json!({ "capability": one.capability.to_string(), "call": one.call }));
        let substitutes = self.substitutes.iter().map(
            |one| json!({ "instead_of": one.instead_of.to_string(), "with": one.with.to_string() }),
        );
        let alternatives = self
            .alternatives
            .iter()
            .map(|one| json!({ "instead_of": names(one.instead_of), "change": one.change }));
        let trials = self.made.iter().map(|(set, run)| {
            let failure = run.outcome.failure();
            json!({
                "set": names(*set), "passed": run.outcome.passed(),
                "phase": failure.map(|failure| &failure.phase),
                "how": failure.map(|failure| &failure.how),
                "stopped": run.stopped, "longest_seconds": run.longest.as_secs_f64(),
            })
        });
        let provenance = &self.provenance;
        json!({
            "schema": SCHEMA,
            "workload": self.workload, "container": self.container, "running": self.running, "test": self.test,
            "start": names(self.start), "needed": names(self.needed),
            "without": without.collect::<Vec<_>>(),
            "refused_but_passed": refused.collect::<Vec<_>>(),
            "substitutes": substitutes.collect::<Vec<_>>(),
            "alternatives": alternatives.collect::<Vec<_>>(),
            "phases": provenance.phases, "not_covered": self.not_covered,
            "image_digest": provenance.image_digest, "command_hash": provenance.command_hash,
            "script": provenance.script, "script_hash": provenance.script_hash,
            "engine": provenance.engine, "kernel": provenance.kernel,
            "date": provenance.date.map(|date| date.to_string()),
            "runs": self.made.len(), "trials": trials.collect::<Vec<_>>(),
            "new": names(comparison.new), "gone": names(comparison.gone),
            "newly_refused": names(comparison.newly_refused), "moved": comparison.moved,
            "notes": self.notes,
        })
    }

    /// For people.
    pub fn text(&self, verbose: bool) -> String {
        let mut out = format!(
            "{}: needs {}; it has {} now; {} runs\n",
            clean(&self.workload),
            if self.needed.is_empty() {
                "no capability".to_owned()
            } else {
                self.needed.to_string()
            },
            counted(self.start),
            self.made.len()
        );
        for one in &self.without {
            let what = format!("{}: {}", one.failure.phase, one.failure.how);
            out.push_str(&format!("  {:22} without it, {}\n", one.capability, clean(&what)));
            if let Some(call) = &one.call {
                out.push_str(&format!("  {:22} {}\n", "", clean(call)));
            }
            let all = one.failure.output.iter().map(String::as_str).filter(|_| verbose);
            let telling = one.failure.telling().filter(|_| !verbose);
            for line in all.chain(telling) {
                out.push_str(&format!("  {:22} | {}\n", "", clean(line)));
            }
        }
        for one in &self.refused {
            out.push_str(&format!(
                "  {:22} refused, and all passed: {}\n  {:22} help: a fix stays unsafe until \
                 `accepted = true` stands beside it in the policy\n",
                one.capability,
                clean(&one.call),
                ""
            ));
        }
        for one in &self.substitutes {
            out.push_str(&format!(
                "  {:22} {} would do, which it does not have now\n",
                one.instead_of, one.with
            ));
        }
        for one in &self.alternatives {
            out.push_str(&format!("  without {}: {}\n", one.instead_of, clean(&one.change)));
        }
        let mut phases: Vec<&str> = Vec::new();
        for phase in &self.provenance.phases {
            if !phases.contains(&phase.as_str()) {
                phases.push(phase);
            }
        }
        out.push_str(&format!("  covered: {}", phases.join(", ")));
        if !self.not_covered.is_empty() {
            out.push_str(&format!("; not covered: {}", self.not_covered.join(", ")));
        }
        out.push('\n');
        for note in &self.notes {
            out.push_str(&format!("  note: {}\n", clean(note)));
        }
        out
    }
}

/// What differs from the policy, for people.
pub fn compared(comparison: &Comparison) -> String {
    let mut out = String::new();
    let mut line = |what: &str, set: CapabilitySet| {
        if !set.is_empty() {
            out.push_str(&format!("  {what}: {set}\n"));
        }
    };
    line("new: needed, and the policy does not allow it", comparison.new);
    line("gone: the policy allows it, and it was not needed", comparison.gone);
    line("newly refused while it passed", comparison.newly_refused);
    if comparison.moved {
        out.push_str("  the policy was learned on another image, command or script\n");
    }
    out
}

pub fn names(set: CapabilitySet) -> Vec<String> {
    set.iter().map(|capability| capability.to_string()).collect()
}

fn counted(set: CapabilitySet) -> String {
    match set.len() {
        0 => "none".to_owned(),
        1..=3 => set.to_string(),
        many => format!("{many} of them"),
    }
}
