//! What tells two inspections apart.

use super::{DoorState, Inspection, SCHEMA};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The version of this layout.
    pub schema: u32,
    /// The first of the two, from which is counted.
    pub target: String,
    /// The second.
    pub compare: String,
    /// Whether there is any difference at all.
    pub differs: bool,
    /// The sets that are not the same, by name: the five, and `reachable`.
    pub sets: BTreeMap<&'static str, SetDifference>,
    /// What else is not the same, by name as in `state`: value of the first, then of the second.
    pub changed: BTreeMap<&'static str, [serde_json::Value; 2]>,
    /// The doors that the second has and the first has not.
    pub doors_gained: Vec<DoorState>,
    /// The doors that the first has and the second has not.
    pub doors_lost: Vec<DoorState>,
    /// What cannot be compared.
    pub notes: Vec<String>,
}

/// What is in one set and not in the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetDifference {
    /// The names of the capabilities that only the second has.
    pub gained: Vec<String>,
    /// The names of those that only the first has.
    pub lost: Vec<String>,
}

/// What `second` has and `first` has not, and the other way round.
pub fn difference(first: &Inspection, second: &Inspection) -> Difference {
    let (a, b) = (&first.state, &second.state);
    let sets = [
        ("effective", &a.effective, &b.effective),
        ("permitted", &a.permitted, &b.permitted),
        ("inheritable", &a.inheritable, &b.inheritable),
        ("bounding", &a.bounding, &b.bounding),
        ("ambient", &a.ambient, &b.ambient),
        ("reachable", &first.reachable, &second.reachable),
    ];
    let sets: BTreeMap<_, _> = sets
        .into_iter()
        .filter(|(_, a, b)| a != b)
        .map(|(name, a, b)| (name, SetDifference { gained: only(b, a), lost: only(a, b) }))
        .collect();
    let mut changed = BTreeMap::new();
    let mut notes = Vec::new();
    let mut compare = |name, values: [serde_json::Value; 2]| {
        let [a, b] = &values;
        if a == b {
            return;
        }
        if a.is_null() || b.is_null() {
            notes.push(format!("{name} is known of one of them only, and is not compared"));
        } else {
            changed.insert(name, values);
        }
    };
    let securebits = |state: &crate::State| state.securebits.map(crate::SecurebitsState::names);
    compare("uid", [a.uid.into(), b.uid.into()]);
    compare("gid", [a.gid.into(), b.gid.into()]);
    compare("groups", [a.groups.clone().into(), b.groups.clone().into()]);
    compare("no_new_privs", [a.no_new_privs.into(), b.no_new_privs.into()]);
    compare("securebits", [securebits(a).into(), securebits(b).into()]);
    let seccomp = |state: &crate::State| state.seccomp.map(crate::SeccompMode::name);
    compare("seccomp", [seccomp(a).into(), seccomp(b).into()]);
    let namespace = |state: &crate::State| state.user_namespace.as_ref().map(|it| it.initial);
    compare("initial_user_namespace", [namespace(a).into(), namespace(b).into()]);
    compare("nested", [first.nested.clone().into(), second.nested.clone().into()]);
    let doors_gained = only(&second.doors, &first.doors);
    let doors_lost = only(&first.doors, &second.doors);
    let differs = !(sets.is_empty()
        && changed.is_empty()
        && doors_gained.is_empty()
        && doors_lost.is_empty());
    Difference {
        schema: SCHEMA,
        target: first.target.clone(),
        compare: second.target.clone(),
        differs,
        sets,
        changed,
        doors_gained,
        doors_lost,
        notes,
    }
}

/// What is in `these` and not in `those`.
fn only<T: Clone + PartialEq>(these: &[T], those: &[T]) -> Vec<T> {
    these.iter().filter(|one| !those.contains(one)).cloned().collect()
}
