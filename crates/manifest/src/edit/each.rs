//! The edits of many containers of one file, each by itself, without reading the file for each anew.

use std::collections::{HashMap, HashSet};

use super::{
    Edit, EditError, Wanted, by_id, put_in,
    source::{Planned, Source},
};
use crate::read;

/// A container's id, and what is wanted of it.
type Wish<'w> = (&'w str, &'w Wanted);

/// What [`apply_and_verify`](super::apply_and_verify) gives for each container and what is wanted of it, as
/// if it were the only one: its edits, or why there are none.
///
/// ```
/// use dropcap_manifest::{Wanted, edits_of_each};
/// let file = b"services: {a: {image: x}, b: {image: y}}\n";
/// let wanted = Wanted { cap_drop: Some(vec!["ALL".to_owned()]), ..Wanted::default() };
/// let wishes = [("compose.yaml#a", &wanted), ("compose.yaml#b", &wanted)];
/// let edits = edits_of_each("compose.yaml", file, &wishes);
/// for wish in wishes {
///     assert_eq!(edits[&wish].as_ref().unwrap()[0].text, ", cap_drop: [ALL]");
/// }
/// ```
#[must_use]
pub fn edits_of_each<'w>(
    path_shown: &str,
    bytes: &[u8],
    wishes: &[Wish<'w>],
) -> HashMap<Wish<'w>, Result<Vec<Edit>, EditError>> {
    let source = match Source::of(read(path_shown, bytes), bytes) {
        Ok(source) => source,
        Err(error) => {
            return wishes.iter().map(|wish| (*wish, Err(error.clone().into()))).collect();
        }
    };
    let by_id = by_id(&source);
    let mut edits = HashMap::new();
    // What is verified at once: of each container one wish at most, and nothing that another container may be
    // read from, so that what one edit does to another container is not taken for that one's own edit.
    let mut together: Vec<Vec<(Wish<'w>, Planned<'w>)>> = Vec::new();
    let mut alone = Vec::new();
    let mut earlier: HashMap<usize, usize> = HashMap::new();
    let mut seen = HashSet::new();
    for wish in wishes.iter().copied().filter(|wish| seen.insert(*wish)) {
        let (id, wanted) = wish;
        let index = by_id.get(id).ok_or_else(|| EditError::NoSuchContainer(id.to_owned()));
        let planned = index.and_then(|index| source.plan(*index, wanted));
        edits.insert(wish, planned.as_ref().map(|one| one.edits.clone()).map_err(Clone::clone));
        let Ok(planned) = planned else { continue };
        if source.is_shared(planned.target) {
            alone.push(vec![(wish, planned)]);
            continue;
        }
        let round = earlier.entry(planned.target).or_default();
        if *round == together.len() {
            together.push(Vec::new());
        }
        together[*round].push((wish, planned));
        *round += 1;
    }
    for round in together.iter().chain(&alone) {
        settle(&source, bytes, round, &mut edits);
    }
    edits
}

/// Takes the edits back that do not mean what was intended. They are looked for by halves, since there are
/// hardly ever any.
fn settle<'w>(
    source: &Source<'_>,
    bytes: &[u8],
    round: &[(Wish<'w>, Planned<'w>)],
    edits: &mut HashMap<Wish<'w>, Result<Vec<Edit>, EditError>>,
) {
    let Err(why) = put_in(source, bytes, round.iter().map(|(_, planned)| planned)) else { return };
    if let [(wish, _)] = round {
        edits.insert(*wish, Err(EditError::Verification(why)));
        return;
    }
    let (first, second) = round.split_at(round.len() / 2);
    settle(source, bytes, first, edits);
    settle(source, bytes, second, edits);
}

#[cfg(test)]
mod tests;
