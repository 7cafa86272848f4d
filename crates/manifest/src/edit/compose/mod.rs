//! Edits of one Compose service.

mod new_key;

use new_key::{NewKey, NewValue};

use super::{
    Edit, Refusal, Wanted, is_same_mount,
    list::List,
    text::{indent, next_line, skip_blanks, whole_lines, yaml_scalar},
};
use crate::{
    Container, Mount, Spanned,
    compose::mount::short,
    yaml::{Entry, NodeId, Tree, Value},
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
    let mut plan = Plan { text, tree: &tree, service, keys: Vec::new(), edits: Vec::new() };
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
    let pair = tree
        .documents
        .iter()
        .flat_map(|root| tree.entries(*root))
        .filter(|entry| entry.name == "services")
        .flat_map(|services| tree.entries(services.value))
        .find(|entry| tree.nodes[entry.key].span == container.span);
    let service = pair.ok_or_else(missing)?.value;
    match tree.nodes[service].value {
        Value::Mapping { .. } => Ok(service),
        _ => {
            Err(Refusal::new(container.span.start, "the whole service is an alias of another one"))
        }
    }
}

struct Plan<'t> {
    text: &'t str,
    tree: &'t Tree<'t>,
    service: NodeId,
    /// Keys that the service does not have yet.
    keys: Vec<NewKey>,
    edits: Vec<Edit>,
}

impl<'t> Plan<'t> {
    /// The key as it is written in the service itself.
    fn own(&self, name: &str) -> Option<Entry<'t>> {
        self.tree.entries(self.service).into_iter().find(|entry| entry.own && entry.name == name)
    }

    fn list(
        &mut self,
        name: &'static str,
        current: &[Spanned<String>],
        wanted: &[String],
    ) -> Result<(), Refusal> {
        let has = |value: &String| current.iter().any(|item| item.value == *value);
        let add: Vec<String> = unique(wanted.iter().filter(|value| !has(value)));
        let goes = |item: &Spanned<String>| !wanted.contains(&item.value);
        if add.is_empty() && !current.iter().any(goes) {
            return Ok(());
        }
        let whole = || NewValue::List(unique(wanted));
        let Some(entry) = self.own(name) else {
            self.keys.push(NewKey { name, value: whole() });
            return Ok(());
        };
        let node = &self.tree.nodes[entry.value];
        match &node.value {
            // The list is another's: from here on this service has its own.
            Value::Alias(_) => {
                let list = self.flow_list(wanted);
                self.edits.push(Edit::new(node.span.clone(), list));
            }
            Value::Sequence { .. } if node.aliased => {
                return Err(Refusal::new(
                    node.span.start,
                    format!(
                        "others share this list by its anchor: give this service a {name} of its own"
                    ),
                ));
            }
            Value::Sequence { items, .. } => {
                // Only what is written here can go: the rest comes from `extends` or an override.
                let remove: Vec<usize> = (0..items.len())
                    .filter(|index| {
                        let span = &self.tree.nodes[items[*index]].span;
                        current.iter().any(|item| item.span == *span && goes(item))
                    })
                    .collect();
                if wanted.is_empty() && remove.len() == items.len() {
                    self.remove_key(entry)?;
                } else {
                    let list = List { text: self.text, tree: self.tree, node: entry.value };
                    self.edits.extend(list.change(&remove, &add)?);
                }
            }
            Value::Scalar { .. } if self.tree.is_null(entry.value) => {
                let list = self.flow_list(wanted);
                self.set_null(entry, &list)?;
            }
            _ => return Err(Refusal::new(node.span.start, format!("{name} is no list"))),
        }
        Ok(())
    }

    fn scalar(&mut self, name: &'static str, value: &str, is_string: bool) -> Result<(), Refusal> {
        let written = if is_string { yaml_scalar(value, false) } else { value.to_owned() };
        let Some(entry) = self.own(name) else {
            self.keys.push(NewKey { name, value: NewValue::Scalar(written) });
            return Ok(());
        };
        let node = &self.tree.nodes[entry.value];
        match &node.value {
            Value::Scalar { .. } if self.tree.is_null(entry.value) => {
                self.set_null(entry, &written)
            }
            Value::Alias(_) => {
                self.edits.push(Edit::new(node.span.clone(), written));
                Ok(())
            }
            Value::Scalar { .. } if !node.aliased => {
                self.edits.push(Edit::new(node.content..node.span.end, written));
                Ok(())
            }
            _ => Err(Refusal::new(
                node.span.start,
                format!(
                    "others share the value of {name} by its anchor: give this service one of its own"
                ),
            )),
        }
    }

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
                let list = List { text: self.text, tree: self.tree, node: entry.value };
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
            let merged = self.tree.entries(self.service).into_iter();
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
                let list = List { text: self.text, tree: self.tree, node: entry.value };
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

    /// Whether the file is written like JSON, with every key in quotes.
    fn is_json(&self) -> bool {
        self.tree
            .pairs(self.service)
            .next()
            .is_some_and(|(key, _)| self.text[self.tree.nodes[key].content..].starts_with('"'))
            && matches!(self.tree.nodes[self.service].value, Value::Mapping { flow: true, .. })
    }

    fn flow_list(&self, values: &[String]) -> String {
        let quoted = self.is_json();
        let values: Vec<String> =
            unique(values).iter().map(|value| yaml_scalar(value, quoted)).collect();
        format!("[{}]", values.join(", "))
    }

    /// Gives a key without a value one.
    fn set_null(&mut self, entry: Entry<'t>, value: &str) -> Result<(), Refusal> {
        let node = &self.tree.nodes[entry.value];
        if node.content < node.span.end && !node.anchored {
            self.edits.push(Edit::new(node.content..node.span.end, value.to_owned()));
            return Ok(());
        }
        let key = &self.tree.nodes[entry.key].span;
        let colon = skip_blanks(self.text, key.end);
        if node.anchored || !self.text[colon..].starts_with(':') {
            return Err(Refusal::new(
                key.start,
                "this key has no value, and is not written as `key:`",
            ));
        }
        self.edits.push(Edit::new(colon + 1..colon + 1, format!(" {value}")));
        Ok(())
    }

    /// Takes a key away with its list; where that would take a comment or the last key along, the
    /// list is emptied.
    fn remove_key(&mut self, entry: Entry<'t>) -> Result<(), Refusal> {
        let key = self.tree.nodes[entry.key].span.clone();
        let value = self.tree.nodes[entry.value].span.clone();
        let whole = key.start..value.end;
        // Without it a service with no other key would be gone, and one that merges another might say
        // what that one says.
        let is_needed = self.tree.pairs(self.service).count() == 1
            || self.tree.pairs(self.service).any(|(key, _)| self.tree.is_merge_key(key));
        let block =
            matches!(self.tree.nodes[self.service].value, Value::Mapping { flow: false, .. });
        let stands_alone = indent(self.text, key.start).is_some();
        let has_comment = self.text[whole.start..next_line(self.text, whole.end)].contains('#');
        if block && stands_alone && !is_needed && !has_comment {
            self.edits.push(Edit::new(whole_lines(self.text, &whole), ""));
        } else if let Value::Sequence { flow: true, items } = &self.tree.nodes[entry.value].value {
            let brackets = self.tree.nodes[entry.value].content..value.end;
            if self.text[brackets.clone()].contains('#') {
                let list = List { text: self.text, tree: self.tree, node: entry.value };
                let all: Vec<usize> = (0..items.len()).collect();
                self.edits.extend(list.change(&all, &[])?);
            } else {
                self.edits.push(Edit::new(brackets, "[]"));
            }
        } else if let Some(items) = self.tree.items(entry.value) {
            let colon = skip_blanks(self.text, key.end);
            self.edits.push(Edit::new(colon + 1..colon + 1, " []"));
            for item in items {
                let item = whole_lines(self.text, &self.tree.nodes[*item].span);
                self.edits.push(Edit::new(item, ""));
            }
        }
        Ok(())
    }
}

fn unique<'v>(values: impl IntoIterator<Item = &'v String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for value in values {
        if !unique.contains(value) {
            unique.push(value.clone());
        }
    }
    unique
}
