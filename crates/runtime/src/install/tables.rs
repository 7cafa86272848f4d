//! TOML tables by their path, with everything around them left as it is.

use super::{EditError, RUNTIME};
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

pub fn parse(text: &str) -> Result<DocumentMut, EditError> {
    text.parse().map_err(|error: toml_edit::TomlError| EditError::Toml(error.message().to_owned()))
}

/// The table at this path, made where it is missing.
pub fn make<'a>(
    document: &'a mut DocumentMut,
    path: &[&str],
) -> Result<&'a mut dyn TableLike, EditError> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for (depth, key) in path.iter().enumerate() {
        let item = table.entry(key).or_insert_with(|| {
            let mut made = Table::new();
            // Only the last has a header of its own.
            made.set_implicit(depth + 1 < path.len());
            Item::Table(made)
        });
        let not = || EditError::NoTable(path[..=depth].join("."));
        table = item.as_table_like_mut().ok_or_else(not)?;
    }
    Ok(table)
}

/// Sets a value; one that is there keeps its place and the comments around it.
pub fn set(table: &mut dyn TableLike, key: &str, value: impl Into<Value>) {
    let mut value = value.into();
    if let Some(there) = table.get_mut(key).and_then(Item::as_value_mut) {
        *value.decor_mut() = there.decor().clone();
        *there = value;
    } else {
        table.insert(key, Item::Value(value));
    }
}

/// Gives the key at this path the text that it had `before`, if it was not the runtime's already; else takes it away.
pub fn bring_back(document: &mut DocumentMut, path: &[&str], before: Option<&DocumentMut>) {
    let text = before.and_then(|before| get(before, path)).and_then(Item::as_str);
    let Some(text) = text.filter(|text| *text != RUNTIME) else { return remove(document, path) };
    if let Some((key, above)) = path.split_last()
        && let Some(table) = get_mut(document, above)
    {
        set(table, key, text);
    }
}

/// The item at this path.
pub fn get<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a Item> {
    path.iter().try_fold(document.as_item(), |item, key| item.get(key))
}

/// Takes the last key of this path away, and tables above it that are then empty and have no
/// header of their own.
pub fn remove(document: &mut DocumentMut, path: &[&str]) {
    let Some((last, above)) = path.split_last() else { return };
    let Some(table) = get_mut(document, above) else { return };
    table.remove(last);
    let bare = table.is_empty()
        && get(document, above)
            .is_some_and(|item| item.as_table().is_some_and(|table| table.is_implicit()));
    if bare && !above.is_empty() {
        remove(document, above);
    }
}

fn get_mut<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Option<&'a mut dyn TableLike> {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for key in path {
        table = table.get_mut(key)?.as_table_like_mut()?;
    }
    Some(table)
}
