//! Edits of random files in many styles: exactly what is wanted, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod compose;
mod kubernetes;
mod random_pod;

use dropcap_manifest::{Document, Spanned, Wanted, apply, apply_and_verify, read};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn set(list: &[Spanned<String>]) -> BTreeSet<&str> {
    list.iter().map(|item| item.value.as_str()).collect()
}

/// Edits one container of a file, and edits again, which must change nothing; the file after it, and what it says.
/// The capabilities that are wanted are there.
fn edited(
    name: &str,
    text: &str,
    before: &Document,
    which: usize,
    wanted: &Wanted,
) -> Result<(String, Document), TestCaseError> {
    let id = &before.containers[which].id;
    let edited = apply_and_verify(name, text.as_bytes(), id, wanted);
    let edited = edited.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
    prop_assert_eq!(&apply(text.as_bytes(), &edited.edits), &edited.bytes);
    let again = apply_and_verify(name, &edited.bytes, id, wanted).unwrap();
    prop_assert_eq!(again.edits, vec![]);
    let new = String::from_utf8(edited.bytes).unwrap();
    let after = read(name, new.as_bytes());
    prop_assert_eq!(&after.errors, &[], "{}", new);

    let (old, is) = (&before.containers[which].settings, &after.containers[which].settings);
    for (wanted, is, was) in [
        (&wanted.cap_drop, &is.cap_drop, &old.cap_drop),
        (&wanted.cap_add, &is.cap_add, &old.cap_add),
    ] {
        let all = |wanted: &'_ Vec<String>| wanted.iter().cloned().collect::<BTreeSet<String>>();
        let was = || set(was).into_iter().map(str::to_owned).collect();
        let expected: BTreeSet<String> = wanted.as_ref().map_or_else(was, all);
        prop_assert!(set(is).into_iter().eq(&expected), "{}", new);
    }
    Ok((new, after))
}
