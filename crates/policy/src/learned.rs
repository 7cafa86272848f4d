//! What was learned, merged into a policy's text: comments and layout stay.

use crate::{Date, Evidence, ParseError, Policy, Provenance, Verdict, Workload};
use dropcap_capability::{Capability, CapabilitySet, parse_capability};
use std::collections::BTreeMap;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, TableLike, value};

/// What was learned of one workload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Learned {
    /// The workload's name.
    pub workload: String,
    /// The container that it is, `FILE#SUBJECT` with the file relative to the policy's folder.
    pub container: Option<String>,
    /// The name of a running container that it is a copy of.
    pub running: Option<String>,
    /// The command that told whether it works.
    pub test: Option<String>,
    /// What it needs: each was tried without.
    pub needed: CapabilitySet,
    /// Why, and what was refused while the test passed.
    pub evidence: BTreeMap<Capability, Evidence>,
    /// On what.
    pub provenance: Provenance,
}

/// What is new, and what is gone, since it was learned before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Needed now, and not allowed by the policy.
    pub new: CapabilitySet,
    /// Allowed by the policy, and not needed now.
    pub gone: CapabilitySet,
    /// Refused now while the test passed, which the policy does not say.
    pub newly_refused: CapabilitySet,
    /// Whether it is another image, command or script that was learned of.
    pub moved: bool,
}

impl Comparison {
    /// Whether the policy still says what was found.
    pub fn is_same(&self) -> bool {
        *self == Self::default()
    }
}

impl Learned {
    /// What differs from what the policy says.
    pub fn compare(&self, workload: Option<&Workload>) -> Comparison {
        let Some(workload) = workload else {
            return Comparison { new: self.needed, ..Comparison::default() };
        };
        let refused = |evidence: &BTreeMap<Capability, Evidence>| -> CapabilitySet {
            let refused =
                evidence.iter().filter(|(_, one)| one.verdict == Verdict::RefusedButPassed);
            refused.map(|(capability, _)| *capability).collect()
        };
        let moved = workload.provenance.as_ref().is_some_and(|before| {
            let now = &self.provenance;
            before.image_digest != now.image_digest
                || before.command_hash != now.command_hash
                || before.script_hash.is_some() && before.script_hash != now.script_hash
        });
        Comparison {
            new: self.needed - (workload.allow | workload.setup),
            gone: (workload.allow | workload.setup) - self.needed,
            newly_refused: refused(&self.evidence) - refused(&workload.evidence),
            moved,
        }
    }
}

/// `text`, a policy or nothing, with what was learned in it. What was allowed stays allowed; a verdict
/// that is new takes the place of the old one.
///
/// # Errors
/// `text` is no policy.
pub fn merge(text: &str, learned: &Learned) -> Result<String, ParseError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let start = error.span().map_or(0, |span| span.start);
        ParseError::at(text, start, error.message())
    })?;
    if !text.trim().is_empty() {
        Policy::parse(text)?;
    }
    if !document.contains_key("version") {
        document.insert("version", value(1));
    }
    let table = workload(&mut document, &learned.workload)
        .ok_or_else(|| ParseError::at(text, 0, "`workload` is no list of tables"))?;
    write_into(table, learned);
    let merged = document.to_string();
    // It is read again and has to mean something before anybody writes it.
    Policy::parse(&merged)?;
    Ok(merged)
}

/// The workload's table; a new one where there is none.
fn workload<'a>(document: &'a mut DocumentMut, name: &str) -> Option<&'a mut Table> {
    let all = document.entry("workload").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    // `workload = [{ … }]` is as good as `[[workload]]`; it becomes the latter.
    if let Some(array) = all.as_array() {
        let tables = array.iter().filter_map(|one| one.as_inline_table());
        let tables = tables.cloned().map(toml_edit::InlineTable::into_table);
        *all = Item::ArrayOfTables(tables.collect());
    }
    let tables = all.as_array_of_tables_mut()?;
    let named = |table: &Table| table.get("name").and_then(Item::as_str) == Some(name);
    let at = tables.iter().position(named);
    if at.is_none() {
        let mut table = Table::new();
        table.insert("name", value(name));
        tables.push(table);
    }
    let last = tables.len() - 1;
    tables.get_mut(at.unwrap_or(last))
}

fn write_into(table: &mut Table, learned: &Learned) {
    let held_at_first = in_list(table, "setup");
    add_capabilities(table, "allow", learned.needed - held_at_first);
    if let Some(test) = &learned.test
        && !table.contains_key("test")
    {
        table.insert("test", value(test));
    }
    let matches = [("container", &learned.container), ("name", &learned.running)];
    let of = matches.into_iter().find_map(|(key, of)| Some((key, of.as_deref()?)));
    if let Some((key, of)) = of
        && !table.contains_key("match")
    {
        let mut one = toml_edit::InlineTable::new();
        one.insert(key, of.into());
        table.insert("match", value(Array::from_iter([one])));
    }
    for (capability, evidence) in &learned.evidence {
        write_evidence(table, *capability, evidence);
    }
    write_provenance(table, &learned.provenance);
}

/// The capabilities that a list has.
fn in_list(table: &dyn TableLike, key: &str) -> CapabilitySet {
    let words = table.get(key).and_then(Item::as_array).into_iter().flatten();
    words.filter_map(|word| parse_capability(word.as_str()?).ok()).collect()
}

fn add_capabilities(table: &mut dyn TableLike, key: &str, set: CapabilitySet) {
    let known = in_list(table, key);
    let list = table.entry(key).or_insert(value(Array::new()));
    let Some(list) = list.as_array_mut() else { return };
    for capability in (set - known).iter() {
        push(list, short(capability));
    }
}

/// Adds a word; in a list of one word a line, on a line of its own below the last one's comment.
fn push(list: &mut Array, word: String) {
    let trailing = list.trailing().as_str().unwrap_or_default().to_owned();
    let own_lines = trailing.contains('\n') && list.trailing_comma();
    let indent = list.iter().last().and_then(|last| last.decor().prefix()?.as_str());
    let indent = indent.map(|text| text.rsplit('\n').next().unwrap_or_default().to_owned());
    list.push(word);
    if let (true, Some(indent)) = (own_lines, indent)
        && let Some(last) = list.iter_mut().last()
    {
        let (comments, closing) = trailing.rsplit_once('\n').unwrap_or_default();
        last.decor_mut().set_prefix(format!("{comments}\n{indent}"));
        list.set_trailing(format!("\n{closing}"));
    }
}

/// As a policy spells it.
fn short(capability: Capability) -> String {
    let name = capability.to_string();
    name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
}

fn write_evidence(table: &mut dyn TableLike, capability: Capability, evidence: &Evidence) {
    let all = sub_table(table, "evidence");
    // It may be there in another spelling.
    let written = all.iter().map(|(key, _)| key.to_owned());
    let key = written.into_iter().find(|key| parse_capability(key) == Ok(capability));
    let one = sub_table(all, &key.unwrap_or_else(|| short(capability)));
    let word = match evidence.verdict {
        Verdict::Needed => "needed",
        Verdict::Used => "used",
        Verdict::RefusedButPassed => "refused-but-passed",
    };
    let same = |key: &str, text: &str| one.get(key).and_then(Item::as_str) == Some(text);
    let (same_verdict, same_reason) = (same("verdict", word), same("because", &evidence.because));
    if !(same_verdict && same_reason) {
        // Somebody accepted another refusal than this one.
        one.remove("accepted");
    }
    set(one, "verdict", word);
    set(one, "because", &evidence.because);
}

fn write_provenance(table: &mut dyn TableLike, from: &Provenance) {
    let to = sub_table(table, "provenance");
    let texts = [
        ("image-digest", &from.image_digest),
        ("command-hash", &from.command_hash),
        ("script", &from.script),
        ("script-hash", &from.script_hash),
        ("engine", &from.engine),
        ("kernel", &from.kernel),
    ];
    for (key, text) in texts {
        match text {
            Some(text) => set(to, key, text),
            None => drop(to.remove(key)),
        }
    }
    let phases: Array = from.phases.iter().collect();
    let same = to.get("phases").and_then(Item::as_array).is_some_and(|written| {
        written
            .iter()
            .map(|word| word.as_str())
            .eq(from.phases.iter().map(|word| Some(word.as_str())))
    });
    if !same {
        to.insert("phases", value(phases));
    }
    let date = from.date.map(|Date { year, month, day }| toml_edit::Date { year, month, day });
    if let Some(date) = date
        && to.get("date").and_then(Item::as_datetime).and_then(|written| written.date) != Some(date)
    {
        to.insert(
            "date",
            value(toml_edit::Datetime { date: Some(date), time: None, offset: None }),
        );
    }
}

/// Changes a text; where it is the same, its line stays as it is written.
fn set(table: &mut dyn TableLike, key: &str, text: &str) {
    if table.get(key).and_then(Item::as_str) == Some(text) {
        return;
    }
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = text.into();
            *old.decor_mut() = decor;
        }
        None => drop(table.insert(key, value(text))),
    }
}

fn sub_table<'a>(table: &'a mut dyn TableLike, key: &str) -> &'a mut dyn TableLike {
    let new = || {
        let mut new = Table::new();
        new.set_implicit(true);
        Item::Table(new)
    };
    let item = table.entry(key).or_insert_with(new);
    if !item.is_table_like() {
        *item = new();
    }
    match item {
        Item::Table(table) => table,
        Item::Value(toml_edit::Value::InlineTable(table)) => table,
        _ => unreachable!("it was just made a table"),
    }
}
