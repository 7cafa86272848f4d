//! The edited text, read again: does it say what is wanted, and nothing else?

use std::collections::HashMap;

use super::{
    Wanted,
    command::Commands,
    compose, first_by, is_same_mount, kubernetes,
    source::{Source, Syntax},
};
use crate::{
    Container, Document, Spanned, read_as,
    shell::{self, Simple},
    yaml::{NodeId, Tree, Value},
};

/// Whether a container says already what is wanted.
pub(super) fn says(container: &Container, wanted: &Wanted) -> bool {
    let settings = &container.settings;
    let same_set = |wanted: &Option<Vec<String>>, current: &[Spanned<String>]| {
        wanted.as_ref().is_none_or(|wanted| {
            wanted.iter().all(|value| current.iter().any(|item| item.value == *value))
                && current.iter().all(|item| wanted.contains(&item.value))
        })
    };
    let has_option =
        |option: &String| settings.security_opt.iter().any(|item| item.value == *option);
    same_set(&wanted.cap_drop, &settings.cap_drop)
        && same_set(&wanted.cap_add, &settings.cap_add)
        && wanted.add_security_opt.iter().all(has_option)
        && !wanted
            .remove_security_opt
            .iter()
            .any(|option| !wanted.add_security_opt.contains(option) && has_option(option))
        && wanted
            .mounts()
            .all(|mount| settings.mounts.iter().any(|current| is_same_mount(current, &mount)))
        && !(wanted.no_privilege_escalation
            && settings.allow_privilege_escalation.as_ref().is_none_or(|allowed| allowed.value))
        && wanted.set_sysctls.iter().all(|sysctl| settings.sysctls.contains(sysctl))
        && !(wanted.unprivileged
            && settings.privileged.as_ref().is_some_and(|privileged| privileged.value))
        && wanted
            .user
            .as_ref()
            .is_none_or(|user| settings.user.as_ref().is_some_and(|current| current.value == *user))
}

/// A container without the places of its words, to compare what it means.
fn meaning(container: &Container) -> Container {
    let mut container = container.clone();
    container.each_span(|span| *span = 0..0);
    if container.kind == crate::Kind::CommandLine {
        // The line is a place too.
        container.id.clone_from(&container.file);
    }
    container
}

/// Says in words what the edited text means otherwise than intended.
pub(super) fn verify(
    before: &Source<'_>,
    edited: &[u8],
    targets: &[(usize, &Wanted)],
) -> Result<(), String> {
    let Document { format, path, containers, .. } = &before.document;
    let after = read_as(*format, path, edited);
    let after = Source::of(after, edited).map_err(|error| error.to_string())?;
    if containers.len() != after.document.containers.len() {
        return Err("there would be another number of containers".to_owned());
    }
    let by_index = first_by(targets.iter().copied());
    for (index, (old, new)) in containers.iter().zip(&after.document.containers).enumerate() {
        let (id, old, new) = (&old.id, meaning(old), meaning(new));
        let Some(wanted) = by_index.get(&index) else {
            if old != new {
                return Err(format!("{id} would change too"));
            }
            continue;
        };
        if !says(&new, wanted) {
            return Err(format!("{} would not say what is wanted", id));
        }
        if rest(&old, wanted) != rest(&new, wanted) {
            return Err(format!("something else of {} would change", id));
        }
        let kept = |container: &Container| {
            let options = container.settings.security_opt.iter().map(|option| option.value.clone());
            let touched = |option: &String| {
                wanted.remove_security_opt.contains(option)
                    || wanted.add_security_opt.contains(option)
            };
            options.filter(|option| !touched(option)).collect::<Vec<_>>()
        };
        if kept(&old) != kept(&new) {
            return Err(format!("another security_opt of {id} would change"));
        }
    }
    let same = match (&before.syntax, &after.syntax) {
        (Syntax::Compose(old), Syntax::Compose(new)) => {
            let flat = |source, services| flat_services(source, services, targets);
            flat(before, old) == flat(&after, new)
        }
        (Syntax::Kubernetes(old), Syntax::Kubernetes(new)) => {
            let flat = |source, containers| flat_manifest(source, containers, targets);
            flat(before, old) == flat(&after, new)
        }
        (Syntax::Commands(old), Syntax::Commands(new)) => {
            let flat = |source, commands| flat_commands(source, commands, targets);
            old.whole && new.whole && flat(before, old) == flat(&after, new)
        }
        _ => before.text == after.text,
    };
    if same { Ok(()) } else { Err("something that is not edited would change".to_owned()) }
}

/// What must stay as it was: all but the settings that are wanted otherwise, and what could not be
/// known of them.
fn rest(container: &Container, wanted: &Wanted) -> Container {
    let mut rest = container.clone();
    rest.unknowns.clear();
    let settings = &mut rest.settings;
    if wanted.cap_drop.is_some() {
        settings.cap_drop.clear();
    }
    if wanted.cap_add.is_some() {
        settings.cap_add.clear();
    }
    settings.security_opt.clear();
    settings
        .sysctls
        .retain(|(name, _)| !wanted.set_sysctls.iter().any(|(wanted, _)| wanted == name));
    settings.sysctls.sort();
    settings.mounts.retain(|mount| !wanted.mounts().any(|wanted| is_same_mount(mount, &wanted)));
    if wanted.unprivileged {
        settings.privileged = None;
    }
    if wanted.no_privilege_escalation {
        settings.allow_privilege_escalation = None;
    }
    if wanted.user.is_some() {
        settings.user = None;
    }
    rest
}

/// The keys of a service that may change.
fn keys(wanted: &Wanted) -> Vec<&'static str> {
    let mut keys = Vec::new();
    let mut add = |changes: bool, key| keys.extend(changes.then_some(key));
    add(wanted.cap_drop.is_some(), "cap_drop");
    add(wanted.cap_add.is_some(), "cap_add");
    add(
        !wanted.add_security_opt.is_empty() || !wanted.remove_security_opt.is_empty(),
        "security_opt",
    );
    add(!wanted.set_sysctls.is_empty(), "sysctls");
    add(wanted.unprivileged, "privileged");
    add(wanted.user.is_some(), "user");
    add(!wanted.add_mounts.is_empty(), "volumes");
    keys
}

/// What a Compose file says but for some keys of some services: not only what is read of them, every key.
fn flat_services(
    source: &Source<'_>,
    services: &compose::Services<'_>,
    targets: &[(usize, &Wanted)],
) -> Vec<String> {
    let service = |(index, wanted): &(usize, &Wanted)| {
        Some((services.at(&source.place(*index))?, keys(wanted)))
    };
    let skipped = targets.iter().filter_map(service).collect();
    flatten(&services.tree, &services.tree.documents, &skipped)
}

/// What a Kubernetes manifest says but for some keys of the `securityContext` of some containers: all
/// without those, and what else each of them holds.
fn flat_manifest(
    source: &Source<'_>,
    containers: &kubernetes::Containers<'_>,
    targets: &[(usize, &Wanted)],
) -> (Vec<String>, Vec<Vec<String>>) {
    let tree = &containers.tree;
    let mut without = HashMap::new();
    let mut contexts = Vec::new();
    for (index, wanted) in targets {
        let Some(container) = containers.at(&source.place(*index)) else { continue };
        without.insert(container, vec![kubernetes::CONTEXT]);
        // What stays of it; where nothing does, it may as well not be there.
        let context = kubernetes::value(tree, container, kubernetes::CONTEXT);
        let capabilities =
            context.and_then(|it| kubernetes::value(tree, it, kubernetes::CAPABILITIES));
        let (mut keys, lists) = kubernetes::keys(wanted);
        keys.push(kubernetes::CAPABILITIES);
        for (mapping, keys) in [(context, keys), (capabilities, lists)] {
            let Some(mapping) = mapping else {
                contexts.push(Vec::new());
                continue;
            };
            let others = tree
                .pairs(mapping)
                .filter(|(key, _)| tree.scalar(*key).is_none_or(|name| !keys.contains(&name)));
            let others: Vec<NodeId> = others.flat_map(|(key, value)| [key, value]).collect();
            contexts.push(flatten(tree, &others, &HashMap::new()));
        }
    }
    (flatten(tree, &tree.documents, &without), contexts)
}

/// Some nodes of a tree as a list of words, without some keys of some mappings.
fn flatten(
    tree: &Tree<'_>,
    roots: &[NodeId],
    skipped: &HashMap<NodeId, Vec<&'static str>>,
) -> Vec<String> {
    enum Step {
        Node(NodeId),
        Close,
    }
    let mut flat = Vec::new();
    let mut seen: HashMap<NodeId, usize> = HashMap::new();
    let mut waiting: Vec<Step> = roots.iter().rev().map(|root| Step::Node(*root)).collect();
    while let Some(step) = waiting.pop() {
        let Step::Node(id) = step else {
            flat.push(")".to_owned());
            continue;
        };
        seen.insert(id, flat.len());
        let node = &tree.nodes[id];
        let tag = match node.tag {
            crate::yaml::Tag::None => "",
            _ => "!",
        };
        match &node.value {
            Value::Scalar { text, plain } => flat.push(format!("{tag}{plain}={text}")),
            Value::Alias(target) => flat.push(format!("*{:?}", seen.get(target))),
            Value::Sequence { items, .. } => {
                flat.push(format!("{tag}["));
                waiting.push(Step::Close);
                waiting.extend(items.iter().rev().map(|item| Step::Node(*item)));
            }
            Value::Mapping { pairs, .. } => {
                flat.push(format!("{tag}{{"));
                waiting.push(Step::Close);
                let without = skipped.get(&id).map_or(&[][..], Vec::as_slice);
                for pair in pairs.chunks_exact(2).rev() {
                    let (key, value) = (pair[0], pair[1]);
                    if tree.scalar(key).is_some_and(|name| without.contains(&name)) {
                        continue;
                    }
                    waiting.push(Step::Node(value));
                    waiting.push(Step::Node(key));
                }
            }
        }
    }
    flat
}

/// Every command but for some flags of some commands.
fn flat_commands(
    source: &Source<'_>,
    commands: &Commands,
    targets: &[(usize, &Wanted)],
) -> Vec<Vec<String>> {
    let places = targets.iter().map(|(index, wanted)| (source.place(*index).start, *wanted));
    let by_place = first_by(places);
    let flat = |simple: &Simple| {
        let wanted = simple.words.first().and_then(|word| by_place.get(&word.span.start));
        let invocation = wanted.and_then(|_| shell::invocation(simple));
        match (wanted, invocation) {
            (Some(wanted), Some(invocation)) => {
                let flags = flags(wanted);
                let arguments = &invocation.arguments;
                let kept =
                    arguments.flags.iter().filter(|flag| !flags.contains(&flag.name.as_str()));
                let kept = kept.map(|flag| format!("--{}={}", flag.name, flag.value.value));
                let rest = arguments.opaque.iter().chain(&arguments.positional);
                kept.chain(rest.map(|word| word.text.clone())).collect()
            }
            _ => simple.words.iter().map(|word| word.text.clone()).collect(),
        }
    };
    commands.all.iter().map(flat).collect()
}

/// The flags of a command that may change.
fn flags(wanted: &Wanted) -> Vec<&'static str> {
    keys(wanted)
        .into_iter()
        .map(|key| match key {
            "cap_drop" => "cap-drop",
            "cap_add" => "cap-add",
            "security_opt" => "security-opt",
            "sysctls" => "sysctl",
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests;
