//! Edits of one container of a Kubernetes manifest: of its `securityContext` alone, since what stands
//! elsewhere is shared with others.

use std::{collections::HashMap, ops::Range};

use super::{
    Edit, Refusal, Wanted, first_by,
    mapping::{Mapping, NewKey, NewValue, Style},
};
use crate::{
    Container,
    yaml::{NodeId, Tree, Value},
};

pub(super) const CONTEXT: &str = "securityContext";
pub(super) const CAPABILITIES: &str = "capabilities";
const ADD: &str = "add";
const DROP: &str = "drop";
const ESCALATION: &str = "allowPrivilegeEscalation";
const PRIVILEGED: &str = "privileged";
const USER: &str = "runAsUser";

/// The containers of a manifest, to be found again.
pub(super) struct Containers<'t> {
    pub tree: Tree<'t>,
    /// By the place of its name.
    by_name: HashMap<Range<usize>, NodeId>,
    /// How the file writes the capabilities that it has.
    style: Style,
    /// What [`Tree::shared`] says.
    shared: Vec<bool>,
}

impl<'t> Containers<'t> {
    pub fn of(text: &'t str) -> Self {
        let (tree, _) = Tree::parse(text);
        let mappings = || {
            let all = 0..tree.nodes.len();
            all.filter(|node| matches!(tree.nodes[*node].value, Value::Mapping { .. }))
        };
        let names = mappings().flat_map(|node| {
            let names = tree.pairs(node).filter(|(key, _)| tree.scalar(*key) == Some("name"));
            names.map(move |(_, name)| (name, node))
        });
        let by_name = first_by(names.map(|(name, node)| (tree.nodes[name].span.clone(), node)));
        let capabilities: Vec<NodeId> =
            mappings().filter_map(|node| value(&tree, node, CAPABILITIES)).collect();
        let style = Style::of(text, &tree, &capabilities);
        let shared = tree.shared();
        Self { tree, by_name, style, shared }
    }

    /// The mapping of the container that has its name at a place.
    pub fn at(&self, name: &Range<usize>) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }

    /// Whether another container may be read from this one.
    pub fn is_shared(&self, place: &Range<usize>) -> bool {
        self.at(place).is_none_or(|container| self.shared[container])
    }
}

/// The edits that make a container say what is wanted. Spans count from the text's first byte.
pub(super) fn plan(
    text: &str,
    containers: &Containers<'_>,
    container: &Container,
    wanted: &Wanted,
) -> Result<Vec<Edit>, Refusal> {
    let at = container.span.start;
    refuse_what_it_cannot_say(at, wanted)?;
    let tree = &containers.tree;
    let node = containers
        .at(&container.span)
        .ok_or_else(|| Refusal::new(at, "the container is not found again"))?;
    let own: Vec<NodeId> = value(tree, node, CONTEXT).into_iter().chain([node]).collect();
    let style = containers.style.or(Style::of(text, tree, &own));
    let mut whole = Mapping::new(text, tree, node, "container", style);
    let mut edits = Vec::new();
    let mut inner = match child(&whole, CONTEXT)? {
        Child::Mapping(node) => whole.inner(node),
        child => {
            let value = NewValue::Tree(context(container, wanted));
            put(&mut whole, child, CONTEXT, value)?;
            return Ok(whole.edits);
        }
    };
    for (name, value) in scalars(container, wanted) {
        inner.scalar(name, &value, false)?;
    }
    let lists = lists(container, wanted);
    if !lists.is_empty() {
        match child(&inner, CAPABILITIES)? {
            Child::Mapping(node) => {
                let mut both = inner.inner(node);
                let settings = &container.settings;
                for (name, list) in lists {
                    let current = if name == ADD { &settings.cap_add } else { &settings.cap_drop };
                    both.list(name, current, list)?;
                }
                both.add_keys()?;
                edits.extend(both.edits);
            }
            child => {
                let value = NewValue::Tree(new_lists(&lists));
                put(&mut inner, child, CAPABILITIES, value)?;
            }
        }
    }
    inner.add_keys()?;
    edits.extend(inner.edits);
    Ok(edits)
}

/// The value of a key that is written in a mapping itself.
pub(super) fn value(tree: &Tree<'_>, mapping: NodeId, name: &str) -> Option<NodeId> {
    let pair = tree.pairs(mapping).find(|(key, _)| tree.scalar(*key) == Some(name));
    pair.map(|(_, value)| value)
}

/// The keys of `securityContext`, and those of its `capabilities`, that may change.
pub(super) fn keys(wanted: &Wanted) -> (Vec<&'static str>, Vec<&'static str>) {
    let of = |all: &[(bool, &'static str)]| {
        all.iter().filter(|(changes, _)| *changes).map(|(_, key)| *key).collect()
    };
    let scalars = of(&[
        (wanted.no_privilege_escalation, ESCALATION),
        (wanted.unprivileged, PRIVILEGED),
        (wanted.user.is_some(), USER),
    ]);
    (scalars, of(&[(wanted.cap_add.is_some(), ADD), (wanted.cap_drop.is_some(), DROP)]))
}

fn refuse_what_it_cannot_say(at: usize, wanted: &Wanted) -> Result<(), Refusal> {
    if !wanted.add_security_opt.is_empty() || !wanted.remove_security_opt.is_empty() {
        return Err(Refusal::new(at, "a pod has no `security_opt`"));
    }
    if !wanted.set_sysctls.is_empty() {
        return Err(Refusal::new(
            at,
            "sysctls are the pod's, and all of its containers share them",
        ));
    }
    if !wanted.add_mounts.is_empty() {
        return Err(Refusal::new(at, "mounts are added to Compose services alone"));
    }
    match &wanted.user {
        Some(user) if user.parse::<u32>().is_err() => {
            Err(Refusal::new(at, "a pod takes a user by number alone"))
        }
        _ => Ok(()),
    }
}

/// What a mapping has under a name.
enum Child {
    Missing,
    /// A key without a value.
    Empty,
    /// A mapping that is written there.
    Mapping(NodeId),
}

fn child(mapping: &Mapping<'_>, name: &'static str) -> Result<Child, Refusal> {
    let shared = |at: usize| {
        let reason =
            format!("others share this {name} by an anchor: give this container one of its own");
        Err(Refusal::new(at, reason))
    };
    let mut entries = mapping.tree.entries(mapping.node).into_iter();
    let Some(entry) = entries.find(|entry| entry.name == name) else { return Ok(Child::Missing) };
    let node = &mapping.tree.nodes[entry.value];
    match &node.value {
        _ if !entry.own => shared(mapping.tree.nodes[mapping.node].span.start),
        Value::Mapping { .. } if !node.aliased => Ok(Child::Mapping(entry.value)),
        Value::Scalar { .. } if mapping.tree.is_null(entry.value) => Ok(Child::Empty),
        _ => shared(node.span.start),
    }
}

/// Puts a whole value under a name that has none.
fn put(
    mapping: &mut Mapping<'_>,
    child: Child,
    name: &'static str,
    value: NewValue,
) -> Result<(), Refusal> {
    if let (Child::Empty, Some(entry)) = (child, mapping.own(name)) {
        let value = mapping.in_flow(&value);
        return mapping.set_null(entry, &value);
    }
    mapping.keys.push(NewKey { name, value });
    mapping.add_keys()
}

/// The whole `securityContext` of a container that has none.
fn context(container: &Container, wanted: &Wanted) -> Vec<NewKey> {
    let mut keys: Vec<NewKey> = scalars(container, wanted)
        .into_iter()
        .map(|(name, value)| NewKey { name, value: NewValue::Scalar(value) })
        .collect();
    let lists = lists(container, wanted);
    if !lists.is_empty() {
        keys.push(NewKey { name: CAPABILITIES, value: NewValue::Tree(new_lists(&lists)) });
    }
    keys
}

/// The keys with one value that do not say yet what is wanted.
fn scalars(container: &Container, wanted: &Wanted) -> Vec<(&'static str, String)> {
    let settings = &container.settings;
    let mut scalars = Vec::new();
    let escalates = settings.allow_privilege_escalation.as_ref().is_none_or(|it| it.value);
    if wanted.no_privilege_escalation && escalates {
        scalars.push((ESCALATION, "false".to_owned()));
    }
    if wanted.unprivileged && settings.privileged.as_ref().is_some_and(|it| it.value) {
        scalars.push((PRIVILEGED, "false".to_owned()));
    }
    if let Some(user) = &wanted.user
        && settings.user.as_ref().is_none_or(|current| current.value != *user)
    {
        scalars.push((USER, user.clone()));
    }
    scalars
}

/// The lists of capabilities that are wanted, and differ from what is there.
fn lists<'w>(container: &Container, wanted: &'w Wanted) -> Vec<(&'static str, &'w [String])> {
    let settings = &container.settings;
    let both =
        [(DROP, &wanted.cap_drop, &settings.cap_drop), (ADD, &wanted.cap_add, &settings.cap_add)];
    let differ = both.into_iter().filter_map(|(name, wanted, current)| {
        let wanted = wanted.as_deref()?;
        let same = current.iter().all(|word| wanted.contains(&word.value))
            && wanted.iter().all(|word| current.iter().any(|it| it.value == *word));
        (!same).then_some((name, wanted))
    });
    differ.collect()
}

fn new_lists(lists: &[(&'static str, &[String])]) -> Vec<NewKey> {
    let key = |(name, list): &(&'static str, &[String])| NewKey {
        name,
        value: NewValue::List(list.to_vec()),
    };
    lists.iter().map(key).collect()
}
