//! The edits of every fix, worked out file by file.

use crate::audit::joined;
use crate::fix::{Change, FileEdit};
use crate::{Finding, Fix, Input};
use dropcap_manifest::{Edit, EditError, Wanted, edits_of_each};
use std::collections::HashMap;
use std::thread;

/// Fills in the edits of every fix; one that cannot be made becomes a line of help.
pub(crate) fn fill_in(findings: &mut [Finding], input: &Input) {
    let edits = edits_of_files(findings, input);
    let of_fix = |finding: &Finding| Some(edits_of_fix(finding.fix.as_ref()?, &edits));
    let of_fixes: Vec<_> = findings.iter().map(of_fix).collect();
    for (finding, edits) in findings.iter_mut().zip(of_fixes) {
        match (edits, &mut finding.fix) {
            (Some(Ok(edits)), Some(fix)) => fix.edits = edits,
            (Some(Err(error)), _) => {
                finding.help.push_str(&format!(" (by hand: {error})"));
                finding.fix = None;
            }
            _ => {}
        }
    }
}

/// For each container of a file, and what is wanted of it.
type Edits<'f> = HashMap<(&'f str, &'f Wanted), Result<Vec<Edit>, EditError>>;

/// The edits that any fix asks for, by file; the files are shared out among the processors.
fn edits_of_files<'f>(findings: &'f [Finding], input: &Input) -> HashMap<&'f str, Edits<'f>> {
    let mut wishes: HashMap<&str, Vec<(&str, &Wanted)>> = HashMap::new();
    for fix in findings.iter().filter_map(|finding| finding.fix.as_ref()) {
        for (file, container, wanted) in wishes_of(&fix.change) {
            wishes.entry(file).or_default().push((container, wanted));
        }
    }
    let files: Vec<_> = wishes.into_iter().collect();
    let look = |(file, wishes): &(&'f str, Vec<(&'f str, &'f Wanted)>)| {
        (*file, edits_of_each(file, input.source(file).unwrap_or_default(), wishes))
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        let look = |part: &[_]| part.iter().map(look).collect::<Vec<_>>();
        let parts: Vec<_> =
            files.chunks(share).map(|part| scope.spawn(move || look(part))).collect();
        joined(parts).collect()
    })
}

/// The file, the container and what is wanted of it, of each whose settings a fix changes.
fn wishes_of(change: &Change) -> Vec<(&str, &str, &Wanted)> {
    match change {
        Change::Settings { file, container, wanted } => vec![(file, container, wanted)],
        Change::Script { mounts, .. } => {
            mounts.iter().map(|it| (it.file.as_str(), it.container.as_str(), &it.wanted)).collect()
        }
    }
}

fn edits_of_fix(fix: &Fix, edits: &HashMap<&str, Edits<'_>>) -> Result<Vec<FileEdit>, EditError> {
    let mut all = match &fix.change {
        Change::Script { edits, .. } => edits.clone(),
        Change::Settings { .. } => Vec::new(),
    };
    for (file, container, wanted) in wishes_of(&fix.change) {
        for Edit { start, end, text } in edits[file][&(container, wanted)].clone()? {
            all.push(FileEdit { file: file.to_owned(), start, end, text });
        }
    }
    Ok(all)
}
