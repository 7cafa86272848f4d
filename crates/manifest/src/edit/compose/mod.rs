//! Edits of one Compose service.

use super::{
    Edit, Refusal, Wanted, is_same_mount,
    mapping::{Mapping, NewKey, NewValue, unique},
    text::yaml_scalar,
};
use crate::{
    Container, Mount,
    compose::mount::short,
    yaml::{NodeId, Tree, Value},
};

/// The edits that make a service say what is wanted. Spans count from the text's first byte.
pub(super) fn plan(
    text: &str,
    container: &Container,
    wanted: &Wanted,
) -> Result<Vec<Edit>, Refusal> {
    let (tree, error) = Tree::parse(text);
    if let Some(error) = error {
        return Err(Refusal::new(container.span.start, error.message));
    }
    let service = service(&tree, container)?;
    let mut plan = Mapping::new(text, &tree, service, "service");
    plan.models.extend(services(&tree).map(|(_, service)| service));
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
fn service(tree: &Tree<'_>, container: &Container) -> Result<NodeId, Refusal> {
    let missing = || Refusal::new(container.span.start, "the service is not found again");
    let pair = services(tree).find(|(key, _)| tree.nodes[*key].span == container.span);
    let (_, service) = pair.ok_or_else(missing)?;
    match tree.nodes[service].value {
        Value::Mapping { .. } => Ok(service),
        _ => {
            Err(Refusal::new(container.span.start, "the whole service is an alias of another one"))
        }
    }
}

/// The keys and values of `services`.
pub(super) fn services<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = (NodeId, NodeId)> + 't {
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
