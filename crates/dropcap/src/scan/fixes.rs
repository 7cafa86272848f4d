//! The fixes of a tree put together, verified, shown and written.

use super::is_wanted;
use super::project::{Project, refused};
use crate::failure::Failure;
use dropcap_audit::{Audited, Change, FileEdit, Input, Mounting, Options, audit, merge};
use dropcap_capability::{CapabilitySet, parse_capability};
use dropcap_manifest::{
    Container, Document, Edit, EditError, Wanted, apply, apply_all_and_verify, edits_of_each, join,
    read,
};
use dropcap_report::FileError;
use similar::TextDiff;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;

/// Which fixes to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tiers {
    /// Those that are known to change nothing that works.
    pub safe: bool,
    /// The others.
    pub unsafe_too: bool,
}

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileChange {
    /// As it is shown.
    pub file: String,
    /// As it is.
    pub before: Vec<u8>,
    /// As it is to be.
    pub after: Vec<u8>,
}

/// What all fixes make of the tree.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The files that change, by name.
    pub files: Vec<FileChange>,
    /// Files and containers that are left as they are, and why.
    pub refused: Vec<FileError>,
    /// The containers that are left while others of their files change.
    left: HashSet<String>,
}

/// What is wanted of one file.
#[derive(Default)]
struct FileFixes {
    /// Of each container in it, by the byte where it begins.
    containers: BTreeMap<usize, (String, Vec<(bool, Wanted)>)>,
    /// Of its text.
    edits: Vec<FileEdit>,
}

/// Works out what the fixes of these tiers change. A container that is written in a way that is not edited, and a
/// file whose change would not mean what it should, are left out, and said to be.
pub(crate) fn changes(
    audited: &Audited,
    input: &Input,
    options: &Options,
    tiers: Tiers,
) -> Changes {
    let mut changes = Changes::default();
    for (file, fixes) in collect(audited, tiers) {
        let before = input.source(&file).unwrap_or_default();
        match edited(&file, before, fixes, &mut changes) {
            Ok(after) if after != before => {
                changes.files.push(FileChange { file, before: before.to_vec(), after });
            }
            Ok(_) => {}
            Err(why) => changes.refused.push(refused(&file, &format!("not fixed: {why}"))),
        }
    }
    verify(changes, audited, input, options, tiers)
}

fn collect(audited: &Audited, tiers: Tiers) -> BTreeMap<String, FileFixes> {
    let mut files: BTreeMap<String, FileFixes> = BTreeMap::new();
    for finding in &audited.findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| is_wanted(fix.tier, tiers)) else {
            continue;
        };
        match &fix.change {
            Change::Settings { file, container, wanted } => {
                want(&mut files, audited, file, container, wanted);
            }
            Change::Script { edits, mounts } => {
                for Mounting { file, container, wanted } in mounts {
                    want(&mut files, audited, file, container, wanted);
                }
                for edit in edits {
                    let entry = files.entry(edit.file.clone()).or_default();
                    if !entry.edits.contains(edit) {
                        entry.edits.push(edit.clone());
                    }
                }
            }
        }
    }
    files
}

/// Adds what is wanted of a container to what is wanted of its file.
fn want(
    files: &mut BTreeMap<String, FileFixes>,
    audited: &Audited,
    file: &str,
    container: &str,
    wanted: &Wanted,
) {
    let written = audited.containers.iter().find(|one| one.container.id == container);
    let at = written.map_or(0, |one| one.container.span.start);
    let entry = files.entry(file.to_owned()).or_default();
    let (_, all) = entry.containers.entry(at).or_insert_with(|| (container.to_owned(), Vec::new()));
    // What says everything that is dropped and kept counts over what mends one word.
    all.push((wanted.cap_drop.is_some() && wanted.cap_add.is_some(), wanted.clone()));
}

/// A file after its fixes: of its containers, or else of its text. Containers that cannot be edited are left.
fn edited(
    file: &str,
    before: &[u8],
    fixes: FileFixes,
    changes: &mut Changes,
) -> Result<Vec<u8>, EditError> {
    if fixes.containers.is_empty() {
        let edits: Vec<Edit> = fixes
            .edits
            .into_iter()
            .map(|edit| Edit { start: edit.start, end: edit.end, text: edit.text })
            .collect();
        return Ok(apply(before, &edits));
    }
    let merged = fixes.containers.into_values().map(|(id, mut wanted)| {
        wanted.sort_by_key(|(whole, _)| *whole);
        (id, merge(wanted.into_iter().map(|(_, wanted)| wanted)))
    });
    let merged: Vec<(String, Wanted)> = merged.collect();
    let mut all: Vec<(&str, &Wanted)> =
        merged.iter().map(|(id, wanted)| (id.as_str(), wanted)).collect();
    let error = match apply_all_and_verify(file, before, &all) {
        Ok(edited) => return Ok(edited.bytes),
        Err(error) => error,
    };
    // Some of them alone are what stands in the way, or it is how they go together.
    let each = edits_of_each(file, before, &all);
    let in_the_way: Vec<_> =
        all.iter().filter_map(|wish| Some((wish.0, each[wish].as_ref().err()?))).collect();
    if in_the_way.is_empty() {
        return Err(error);
    }
    for (id, why) in in_the_way {
        changes.left.insert(id.to_owned());
        changes.refused.push(not_fixed(file, id, why));
    }
    all.retain(|(id, _)| !changes.left.contains(*id));
    apply_all_and_verify(file, before, &all).map(|edited| edited.bytes)
}

/// Where a container is written in a way that is not edited, and why.
fn not_fixed(file: &str, id: &str, why: &EditError) -> FileError {
    match why {
        EditError::Unsupported { line, reason } => {
            FileError { line: *line, ..refused(file, &format!("{id} is not fixed: {reason}")) }
        }
        _ => refused(file, &format!("{id} is not fixed: {why}")),
    }
}

/// Reads the whole tree again with the changes in it: what was to be dropped has to be gone from every
/// container that a fix speaks of, with all files joined, and a script has to come with what it calls and
/// with the set that was learned with it. Else no file of that container changes.
fn verify(
    mut changes: Changes,
    audited: &Audited,
    input: &Input,
    options: &Options,
    tiers: Tiers,
) -> Changes {
    while !changes.files.is_empty() {
        let next = read_after(&changes, input);
        let mut wrong = not_dropped(&changes, &next, audited, input, options, tiers);
        wrong.extend(not_whole(&changes, &next, audited, input, tiers));
        wrong.retain(|(file, _)| changes.files.iter().any(|change| change.file == *file));
        if wrong.is_empty() {
            break;
        }
        for (file, why) in wrong {
            if changes.files.iter().any(|change| change.file == file) {
                changes.files.retain(|change| change.file != file);
                changes.refused.push(refused(&file, &format!("not fixed: {why}")));
            }
        }
    }
    changes
}

/// The files in which a container would still have what was to be dropped.
fn not_dropped(
    changes: &Changes,
    next: &Input,
    audited: &Audited,
    input: &Input,
    options: &Options,
    tiers: Tiers,
) -> Vec<(String, String)> {
    let after = by_name(changes);
    let again = audit(next, &Options { edits: false, ..options.clone() });
    let mut wrong = Vec::new();
    for finding in &audited.findings {
        let Some(fix) = finding.fix.as_ref().filter(|fix| is_wanted(fix.tier, tiers)) else {
            continue;
        };
        let Change::Settings { file, container, wanted } = &fix.change else { continue };
        let drops_all = wanted.cap_drop.iter().flatten().any(|word| word == "ALL");
        let is_changed = after.contains_key(file.as_str()) && !changes.left.contains(container);
        if !drops_all || !is_changed {
            continue;
        }
        let written = input.containers.iter().find(|one| one.id == *container);
        let written = written.iter().flat_map(|one| &one.settings.cap_add).map(|word| &word.value);
        let kept: CapabilitySet = match &wanted.cap_add {
            Some(words) => words.iter().filter_map(|word| parse_capability(word).ok()).collect(),
            None => written.filter_map(|word| parse_capability(word).ok()).collect(),
        };
        let bounding = again
            .containers
            .iter()
            .filter(|one| one.container.file == *file)
            .nth(position(&input.containers, file, container).unwrap_or_default())
            .and_then(|one| one.analysis.states())
            .map(dropcap_audit::States::bounding);
        match bounding {
            Some(bounding) if bounding.is_subset(kept) => {}
            Some(bounding) => wrong.push((
                file.clone(),
                format!(
                    "{container} would still have {bounding} in its bounding set, by another file"
                ),
            )),
            None => wrong.push((file.clone(), format!("{container} would no longer start"))),
        }
    }
    wrong
}

/// The files that would change without the others that have to change with them.
fn not_whole(
    changes: &Changes,
    next: &Input,
    audited: &Audited,
    input: &Input,
    tiers: Tiers,
) -> Vec<(String, String)> {
    let after = by_name(changes);
    let mut wrong = Vec::new();
    let fixes = audited.findings.iter().filter_map(|finding| finding.fix.as_ref());
    for fix in fixes.filter(|fix| is_wanted(fix.tier, tiers)) {
        let Change::Script { edits, mounts } = &fix.change else { continue };
        for Mounting { container, wanted, .. } in mounts {
            let is_given = counterpart(input, next, container).is_some_and(|one| wanted.holds(one));
            if !is_given {
                let why = format!("{container} would not have the `dropcap` that it calls");
                wrong.extend(edits.iter().map(|edit| (edit.file.clone(), why.clone())));
            }
        }
    }
    for one in &audited.containers {
        let Some(learned) = &one.plan.script else { continue };
        let file = &one.container.file;
        let script = counterpart(input, next, &one.container.id)
            .and_then(|after| dropcap_audit::script_hash(after, next));
        // Who takes what is not safe may want more of the script than was learned.
        let more = tiers.unsafe_too
            && one
                .container
                .entrypoint_script
                .as_ref()
                .is_some_and(|it| after.contains_key(it.as_str()));
        if after.contains_key(file.as_str()) && script.as_ref() != Some(learned) && !more {
            let id = &one.container.id;
            let why = format!("{id} would have what was learned with another text of its script");
            wrong.push((file.clone(), why));
        }
    }
    wrong
}

fn by_name(changes: &Changes) -> HashMap<&str, &[u8]> {
    changes.files.iter().map(|change| (change.file.as_str(), change.after.as_slice())).collect()
}

/// The containers of the tree, and its files, as they are with the changes in it.
pub(crate) fn read_after(changes: &Changes, input: &Input) -> Input {
    let after = by_name(changes);
    let mut documents: Vec<Document> = input
        .documents
        .iter()
        .map(|document| {
            let now = after.get(document.path.as_str()).copied();
            read(&document.path, now.or(input.source(&document.path)).unwrap_or_default())
        })
        .collect();
    let mut next = Input { containers: join(&mut documents), documents, ..Input::default() };
    next.sources = input.sources.clone();
    next.sources.extend(after.iter().map(|(file, bytes)| ((*file).to_owned(), bytes.to_vec())));
    next
}

/// The container of `after` that was `id` in `before`.
pub(crate) fn counterpart<'a>(before: &Input, after: &'a Input, id: &str) -> Option<&'a Container> {
    let file = &before.containers.iter().find(|one| one.id == id)?.file;
    let at = position(&before.containers, file, id)?;
    after.containers.iter().filter(|one| one.file == *file).nth(at)
}

/// Where a container stands among those of its file. Its id may be another after an edit: a command
/// line is called by its line.
fn position(containers: &[Container], file: &str, id: &str) -> Option<usize> {
    containers.iter().filter(|one| one.file == file).position(|one| one.id == id)
}

/// The change as a unified diff.
pub(crate) fn diff(change: &FileChange) -> String {
    let (before, after) =
        (String::from_utf8_lossy(&change.before), String::from_utf8_lossy(&change.after));
    TextDiff::from_lines(before.as_ref(), after.as_ref())
        .unified_diff()
        .header(&format!("a/{}", change.file), &format!("b/{}", change.file))
        .to_string()
}

/// Writes the changed files, each at once as a whole; the names of those that were.
pub(crate) fn write(changes: &Changes, project: &Project) -> Result<Vec<String>, Failure> {
    let mut written = Vec::new();
    for change in &changes.files {
        let path = project.paths.get(&change.file).map_or(Path::new(&change.file), |path| path);
        replace(path, &change.before, &change.after).map_err(|error| {
            Failure::new(format!("cannot write {}", change.file)).because(error).help(match written
                .as_slice()
            {
                [] => "nothing was changed".to_owned(),
                files => format!("these were changed before: {}", files.join(", ")),
            })
        })?;
        written.push(change.file.clone());
    }
    Ok(written)
}

/// Puts `after` in the place of the file at `path`, if it still holds `before`: a new file beside it
/// with the same mode and owner, renamed over it. A link stays one; what it leads to is replaced.
pub(crate) fn replace(path: &Path, before: &[u8], after: &[u8]) -> std::io::Result<()> {
    let real = path.canonicalize()?;
    let folder = real.parent().ok_or_else(|| std::io::Error::other("it has no folder"))?;
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(after)?;
    let metadata = real.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        let own = new.as_file().metadata()?;
        if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
            fchown(new.as_file(), Some(metadata.uid()), Some(metadata.gid()))?;
        }
    }
    new.as_file().set_permissions(metadata.permissions())?;
    new.as_file().sync_all()?;
    if std::fs::read(&real)? != before {
        return Err(std::io::Error::other("somebody else has changed it meanwhile"));
    }
    new.persist(&real).map_err(|error| error.error)?;
    Ok(())
}
