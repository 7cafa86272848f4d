//! Edits of one Compose service.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    Edit, Refusal, Wanted, is_same_mount,
    mapping::{Mapping, NewKey, NewValue, Style, unique},
    text::yaml_scalar,
};
use crate::{
    Container, Mount,
    compose::mount::short,
    yaml::{NodeId, Tree, Value},
};

/// The services of a file, to be found again.
pub(in crate::edit) struct Services<'t> {
    pub tree: Tree<'t>,
    /// By the place of its name.
    by_name: HashMap<Range<usize>, NodeId>,
    /// How the file writes what a service does not show.
    style: Style,
    /// What [`Tree::shared`] says.
    shared: Vec<bool>,
    /// The names of those that others extend.
    extended: HashSet<String>,
}

impl<'t> Services<'t> {
    pub fn of(text: &'t str) -> Self {
        let (tree, _) = Tree::parse(text);
        let services: Vec<NodeId> = services(&tree).map(|(_, service)| service).collect();
        // Of two at one place, the first.
        let by_name = super::first_by(
            self::services(&tree).map(|(key, service)| (tree.nodes[key].span.clone(), service)),
        );
        let extends = services.iter().flat_map(|service| tree.entries(*service));
        let extended = extends.filter(|entry| entry.name == "extends").filter_map(|entry| {
            let of_map = || tree.entries(entry.value).into_iter().find(|it| it.name == "service");
            tree.scalar(entry.value).or_else(|| tree.scalar(of_map()?.value)).map(str::to_owned)
        });
        let extended = extended.collect();
        let style = Style::of(text, &tree, &services);
        let shared = tree.shared();
        Self { tree, by_name, style, shared, extended }
    }

    /// The service that has its name at a place.
    pub fn at(&self, name: &Range<usize>) -> Option<NodeId> {
        self.by_name.get(name).copied()
    }

    /// Whether another service may be read from this one.
    pub fn is_shared(&self, place: &Range<usize>, name: &str) -> bool {
        self.extended.contains(name) || self.at(place).is_none_or(|service| self.shared[service])
    }
}

/// The edits that make a service say what is wanted. Spans count from the text's first byte.
pub(super) fn plan(
    text: &str,
    services: &Services<'_>,
    container: &Container,
    wanted: &Wanted,
) -> Result<Vec<Edit>, Refusal> {
    let tree = &services.tree;
    let service = service(services, container)?;
    let style = Style::of(text, tree, &[service]).or(services.style);
    let mut plan = Mapping::new(text, tree, service, "service", style);
    let settings = &container.settings;
    if let Some(cap_drop) = &wanted.cap_drop {
        plan.list("cap_drop", &settings.cap_drop, cap_drop)?;
    }
    if let Some(cap_add) = &wanted.cap_add {
        plan.list("cap_add", &settings.cap_add, cap_add)?;
    }
    plan.list("security_opt", &settings.security_opt, &wanted.security_opt(settings))?;
    if wanted.unprivileged
        && settings.privileged.as_ref().is_some_and(|privileged| privileged.value)
    {
        plan.scalar("privileged", "false", false)?;
    }
    if let Some(user) = &wanted.user
        && settings.user.as_ref().is_none_or(|current| current.value != *user)
    {
        plan.scalar("user", user, true)?;
    }
    let sysctls: Vec<&(String, String)> =
        wanted.set_sysctls.iter().filter(|sysctl| !settings.sysctls.contains(sysctl)).collect();
    if !sysctls.is_empty() {
        plan.sysctls(&settings.sysctls, &sysctls)?;
    }
    plan.mounts(&settings.mounts, wanted)?;
    plan.add_keys()?;
    Ok(plan.edits)
}

/// The mapping of the service that a container was read from.
fn service(services: &Services<'_>, container: &Container) -> Result<NodeId, Refusal> {
    let missing = || Refusal::new(container.span.start, "the service is not found again");
    let service = services.at(&container.span).ok_or_else(missing)?;
    match services.tree.nodes[service].value {
        Value::Mapping { .. } => Ok(service),
        _ => {
            Err(Refusal::new(container.span.start, "the whole service is an alias of another one"))
        }
    }
}

/// The keys and values of `services`.
fn services<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = (NodeId, NodeId)> + 't {
    let top = tree.documents.iter().flat_map(|root| tree.entries(*root));
    let services = top.filter(|entry| entry.name == "services");
    services.flat_map(|services| tree.pairs(services.value))
}

impl Mapping<'_> {
    fn sysctls(
        &mut self,
        current: &[(String, String)],
        wanted: &[&(String, String)],
    ) -> Result<(), Refusal> {
        let Some(entry) = self.own("sysctls") else {
            // A key of its own hides what is merged, so it takes that over.
            let mut all: Vec<(String, String)> = current.to_vec();
            for (name, value) in wanted {
                all.retain(|(earlier, _)| earlier != name);
                all.push((name.clone(), value.clone()));
            }
            self.keys.push(NewKey { name: "sysctls", value: NewValue::Map(all) });
            return Ok(());
        };
        let node = &self.tree.nodes[entry.value];
        match &node.value {
            Value::Sequence { items, .. } if !node.aliased => {
                let mut remove = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let text = self.tree.scalar(*item).unwrap_or_default();
                    let name = text.split('=').next().unwrap_or_default();
                    if wanted.iter().any(|(wanted, _)| wanted == name) {
                        remove.push(index);
                    }
                }
                let add: Vec<String> =
                    wanted.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let list = self.list_at(entry.value);
                self.edits.extend(list.change(&remove, &add)?);
                Ok(())
            }
            Value::Mapping { .. } if !node.aliased => {
                let mut missing = Vec::new();
                for (name, value) in wanted {
                    let own = self
                        .tree
                        .entries(entry.value)
                        .into_iter()
                        .find(|inner| inner.own && inner.name == name);
                    match own.map(|own| &self.tree.nodes[own.value]) {
                        Some(node)
                            if matches!(node.value, Value::Scalar { .. })
                                && !node.aliased
                                && node.content < node.span.end =>
                        {
                            let range = node.content..node.span.end;
                            self.edits.push(Edit::new(range, yaml_scalar(value, false)));
                        }
                        Some(node) => {
                            return Err(Refusal::new(
                                node.span.start,
                                "this sysctl is shared or has no value",
                            ));
                        }
                        None => missing.push((name.clone(), value.clone())),
                    }
                }
                if missing.is_empty() {
                    return Ok(());
                }
                let keys: Vec<(String, String)> = missing
                    .into_iter()
                    .map(|(name, value)| (name, yaml_scalar(&value, false)))
                    .collect();
                let edit = self.insert_into(entry.value, &keys)?;
                self.edits.push(edit);
                Ok(())
            }
            Value::Scalar { .. } if self.tree.is_null(entry.value) => {
                let pairs: Vec<String> = wanted
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", yaml_scalar(value, false)))
                    .collect();
                self.set_null(entry, &format!("{{{}}}", pairs.join(", ")))
            }
            _ => Err(Refusal::new(node.span.start, "others share these sysctls by an anchor")),
        }
    }

    /// Adds mounts behind those that are there.
    fn mounts(&mut self, current: &[Mount], wanted: &Wanted) -> Result<(), Refusal> {
        let is_there = |text: &str| {
            let wanted = short(text, 0..0);
            current.iter().any(|mount| is_same_mount(mount, &wanted))
        };
        let add = unique(wanted.add_mounts.iter().filter(|text| !is_there(text)));
        if add.is_empty() {
            return Ok(());
        }
        let Some(entry) = self.own("volumes") else {
            let merged = self.tree.entries(self.node).into_iter();
            if let Some(entry) = merged.into_iter().find(|entry| entry.name == "volumes") {
                // A key of its own would hide what is merged.
                return Err(Refusal::new(
                    self.tree.nodes[entry.key].span.start,
                    "its volumes are merged from elsewhere: give this service volumes of its own",
                ));
            }
            self.keys.push(NewKey { name: "volumes", value: NewValue::List(add) });
            return Ok(());
        };
        let node = &self.tree.nodes[entry.value];
        match &node.value {
            Value::Sequence { .. } if !node.aliased => {
                let list = self.list_at(entry.value);
                self.edits.extend(list.change(&[], &add)?);
                Ok(())
            }
            Value::Scalar { .. } if self.tree.is_null(entry.value) => {
                let list = self.flow_list(&add);
                self.set_null(entry, &list)
            }
            _ => Err(Refusal::new(
                node.span.start,
                "others share these volumes by an anchor: give this service volumes of its own",
            )),
        }
    }
}
