//! What was tried, and how it ended.

use crate::fault::Fault;
use crate::scene::Outcome;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
struct Row {
    tried: usize,
    faults: BTreeSet<Fault>,
    within: usize,
    nothing: usize,
}

#[derive(Debug)]
pub struct Table {
    scene: &'static str,
    rows: BTreeMap<String, Row>,
    /// The faults after which more was executed than is allowed, or something was left half-done.
    pub wrong: Vec<String>,
}

impl Table {
    pub fn new(scene: &'static str) -> Self {
        Self { scene, rows: BTreeMap::new(), wrong: Vec::new() }
    }

    pub fn add(
        &mut self,
        call: &str,
        fault: Fault,
        outcome: &Outcome,
        describe: impl FnOnce() -> String,
    ) {
        let row = self.rows.entry(call.to_owned()).or_default();
        row.tried += 1;
        row.faults.insert(fault);
        match outcome {
            Outcome::Within => row.within += 1,
            Outcome::Nothing => row.nothing += 1,
            Outcome::Crashed(_) | Outcome::Beyond(_) => self.wrong.push(describe()),
        }
    }

    pub fn print(&self) {
        let tried: usize = self.rows.values().map(|row| row.tried).sum();
        println!("\n{} ({tried} faults)", self.scene);
        println!("  {:<16} {:>6} {:>9} {:>9}  faults", "call", "tried", "executed", "nothing");
        for (call, row) in &self.rows {
            let faults: Vec<String> = row.faults.iter().map(name).collect();
            println!(
                "  {call:<16} {:>6} {:>9} {:>9}  {}",
                row.tried,
                row.within,
                row.nothing,
                faults.join(" ")
            );
        }
        for wrong in &self.wrong {
            println!("  WRONG {wrong}");
        }
    }
}

fn name(fault: &Fault) -> String {
    match fault {
        Fault::Error(errno) => (*errno).to_owned(),
        Fault::ErrorFromHere(errno) => format!("{errno}-and-on"),
        Fault::Lie => "not-done".to_owned(),
        Fault::Kill => "SIGKILL".to_owned(),
    }
}
