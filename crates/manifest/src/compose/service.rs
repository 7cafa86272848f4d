//! One Compose service, key by key.

use super::{Reader, mount};
use crate::{
    Build, Container, Engine, Kind, Settings, Spanned, Start, Starter,
    interpolate::interpolate,
    path, words,
    yaml::{Entry, NodeId, Tag},
};

/// Keys that a workload may need, and that are not carried: whoever starts it again says so.
const NOT_CARRIED: [&str; 12] = [
    "configs",
    "device_cgroup_rules",
    "devices",
    "dns",
    "env_file",
    "external_links",
    "gpus",
    "healthcheck",
    "links",
    "secrets",
    "shm_size",
    "ulimits",
];

/// What a service extends.
pub(super) struct Extends {
    pub service: String,
    /// In another file, which is not read.
    pub elsewhere: bool,
    pub node: NodeId,
}

impl<'t> Reader<'t> {
    /// What the service says itself, merge keys included, without `extends`.
    pub(super) fn service(&mut self, service: Entry<'t>) -> (Container, Option<Extends>) {
        let span = self.tree.nodes[service.key].span.clone();
        let mut container = Container::new(
            self.path,
            service.name,
            span,
            Kind::Compose,
            Engine::Docker,
            Starter::Known,
        );
        let mut extends = None;
        for entry in self.tree.entries(service.value) {
            match self.tree.nodes[entry.value].tag {
                Tag::Override => container.replaces.push(entry.name.to_owned()),
                Tag::Reset => {
                    container.replaces.push(entry.name.to_owned());
                    continue;
                }
                Tag::None | Tag::Other => {}
            }
            if self.tree.is_null(entry.value) {
                continue;
            }
            match entry.name {
                "image" => container.image = self.string(&mut container, entry),
                "build" => container.build = self.build(&mut container, entry),
                "extends" => extends = self.extends(&mut container, entry),
                _ => self.setting(&mut container, entry),
            }
        }
        (container, extends)
    }

    fn setting(&mut self, container: &mut Container, entry: Entry<'t>) {
        let mut settings = std::mem::take(&mut container.settings);
        let Settings { cap_add, cap_drop, security_opt, group_add, mounts, sysctls, .. } =
            &mut settings;
        match entry.name {
            "cap_add" => *cap_add = self.list(container, entry),
            "cap_drop" => *cap_drop = self.list(container, entry),
            "security_opt" => *security_opt = self.list(container, entry),
            "group_add" => *group_add = self.list(container, entry),
            "privileged" => settings.privileged = self.boolean(container, entry),
            "read_only" => {
                settings.read_only =
                    self.boolean(container, entry).is_some_and(|value| value.value);
                container.replaces.push(entry.name.to_owned());
            }
            "user" => settings.user = self.string(container, entry),
            "userns_mode" => settings.userns = self.string(container, entry),
            "pid" => settings.pid = self.string(container, entry),
            "network_mode" => settings.network = self.string(container, entry),
            "ipc" => settings.ipc = self.string(container, entry),
            "entrypoint" => settings.entrypoint = self.words(container, entry),
            "command" => settings.command = self.words(container, entry),
            "sysctls" => {
                *sysctls = self
                    .assignments(container, entry)
                    .into_iter()
                    .map(|(name, value)| (name.value, value))
                    .collect();
            }
            "volumes" => {
                for item in self.sequence(entry) {
                    let mount = if self.tree.is_mapping(item) {
                        self.long_mount(container, item)
                    } else {
                        self.text(container, item).map(|text| mount::short(&text.value, text.span))
                    };
                    mounts.extend(mount);
                }
            }
            "tmpfs" => {
                let items = match self.tree.items(entry.value) {
                    Some(items) => items.to_vec(),
                    None => vec![entry.value],
                };
                for item in items {
                    mounts.extend(
                        self.text(container, item).map(|text| mount::tmpfs(&text.value, text.span)),
                    );
                }
            }
            "use_api_socket" => {
                if let Some(Spanned { value: true, span }) = self.boolean(container, entry) {
                    mounts.push(mount::api_socket(span));
                }
            }
            name => {
                let start = std::mem::take(&mut settings.start);
                settings.start = self.start(container, entry, name, start);
            }
        }
        container.settings = settings;
    }

    /// What bears on whether it works, and not on privilege.
    fn start(
        &mut self,
        container: &mut Container,
        entry: Entry<'t>,
        name: &str,
        mut start: Start,
    ) -> Start {
        let text = |text: Option<Spanned<String>>| text.map(|text| text.value);
        match name {
            "environment" => start.environment = self.environment(container, entry),
            "working_dir" => start.working_dir = text(self.string(container, entry)),
            "hostname" => start.hostname = text(self.string(container, entry)),
            "stop_signal" => start.stop_signal = text(self.string(container, entry)),
            "init" => start.init = self.boolean(container, entry).is_some_and(|init| init.value),
            "extra_hosts" => start.extra_hosts = self.extra_hosts(container, entry),
            "depends_on" if self.tree.is_mapping(entry.value) => {
                let entries = self.tree.entries(entry.value);
                start.depends_on = entries.iter().map(|inner| inner.name.to_owned()).collect();
            }
            "depends_on" => {
                let names = self.list(container, entry);
                start.depends_on = names.into_iter().map(|name| name.value).collect();
            }
            _ if NOT_CARRIED.contains(&name) => start.left_out.push(name.to_owned()),
            _ => {}
        }
        start
    }

    /// A map, or a list of `NAME=VALUE` and of names alone, whose value is the starter's own.
    fn environment(
        &mut self,
        container: &mut Container,
        entry: Entry<'t>,
    ) -> Vec<(String, Option<String>)> {
        if !self.tree.is_mapping(entry.value) {
            let variable = |item: Spanned<String>| match item.value.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (item.value, None),
            };
            return self.list(container, entry).into_iter().map(variable).collect();
        }
        let mut variables = Vec::new();
        for inner in self.tree.entries(entry.value) {
            let value = if self.tree.is_null(inner.value) {
                None
            } else {
                self.text(container, inner.value).map(|text| text.value)
            };
            variables.push((inner.name.to_owned(), value));
        }
        variables
    }

    /// A map, or a list of `NAME:ADDRESS` and `NAME=ADDRESS`; an address may hold colons.
    fn extra_hosts(&mut self, container: &mut Container, entry: Entry<'t>) -> Vec<String> {
        if !self.tree.is_mapping(entry.value) {
            let one = |item: Spanned<String>| item.value.replacen('=', ":", 1);
            return self.list(container, entry).into_iter().map(one).collect();
        }
        let mut hosts = Vec::new();
        for inner in self.tree.entries(entry.value) {
            let addresses = match self.tree.items(inner.value) {
                Some(items) => items.to_vec(),
                None => vec![inner.value],
            };
            for address in addresses {
                let address = self.text(container, address);
                hosts.extend(address.map(|address| format!("{}:{}", inner.name, address.value)));
            }
        }
        hosts
    }

    fn extends(&mut self, container: &mut Container, entry: Entry<'t>) -> Option<Extends> {
        if self.tree.scalar(entry.value).is_some() {
            let service = self.text(container, entry.value)?.value;
            return Some(Extends { service, elsewhere: false, node: entry.value });
        }
        let entries = self.tree.entries(entry.value);
        let service = entries.iter().find(|inner| inner.name == "service")?.value;
        let service = self.text(container, service)?.value;
        let file = entries.iter().find(|inner| inner.name == "file").map(|inner| inner.value);
        let file = file.and_then(|file| self.text(container, file));
        let elsewhere = file.is_some_and(|file| {
            let same =
                path::join(path::folder(self.path), &file.value) == path::join("", self.path);
            if !same {
                let what = format!("it extends {service} of {}, which is not read", file.value);
                container.unknowns.push(Spanned::new(what, file.span));
            }
            !same
        });
        Some(Extends { service, elsewhere, node: entry.value })
    }

    fn build(&mut self, container: &mut Container, entry: Entry<'t>) -> Option<Build> {
        let mut dockerfile = None;
        let mut target = None;
        let context = if self.tree.is_mapping(entry.value) {
            let mut context = None;
            for inner in self.tree.entries(entry.value) {
                if self.tree.is_null(inner.value) {
                    continue;
                }
                match inner.name {
                    "context" => context = self.text(container, inner.value),
                    "dockerfile" => dockerfile = self.text(container, inner.value),
                    "target" => target = self.text(container, inner.value).map(|text| text.value),
                    "dockerfile_inline" => {
                        let what = "its Dockerfile stands in this file, and is not read".to_owned();
                        let span = self.tree.nodes[inner.key].span.clone();
                        container.unknowns.push(Spanned::new(what, span));
                        return None;
                    }
                    _ => {}
                }
            }
            context.map_or_else(|| ".".to_owned(), |context| context.value)
        } else {
            self.text(container, entry.value)?.value
        };
        if is_remote(&context) {
            let what = format!("it is built from {context}, which is not read");
            let span = self.tree.nodes[entry.key].span.clone();
            container.unknowns.push(Spanned::new(what, span));
            return None;
        }
        let dockerfile =
            dockerfile.map_or_else(|| "Dockerfile".to_owned(), |dockerfile| dockerfile.value);
        let context = path::join(path::folder(self.path), &context);
        Some(Build { dockerfile: path::join(&context, &dockerfile), context, target })
    }

    fn long_mount(&mut self, container: &mut Container, node: NodeId) -> Option<crate::Mount> {
        let mut long = mount::Long::default();
        for entry in self.tree.entries(node) {
            match entry.name {
                "type" => long.kind = self.text(container, entry.value).map(|text| text.value),
                "source" | "src" => {
                    long.source = self.text(container, entry.value).map(|text| text.value)
                }
                "target" | "dst" | "destination" => {
                    long.target = self.text(container, entry.value).map(|text| text.value);
                }
                "read_only" | "readonly" => {
                    long.read_only =
                        self.boolean(container, entry).is_some_and(|value| value.value);
                }
                _ => {}
            }
        }
        Some(long.mount(self.tree.nodes[node].span.clone()))
    }

    /// The items of a list; an error where it is none.
    fn sequence(&mut self, entry: Entry<'t>) -> Vec<NodeId> {
        match self.tree.items(entry.value) {
            Some(items) => items.to_vec(),
            None => {
                self.error(entry.value, &format!("{} must be a list", entry.name));
                Vec::new()
            }
        }
    }

    fn list(&mut self, container: &mut Container, entry: Entry<'t>) -> Vec<Spanned<String>> {
        let items = self.sequence(entry);
        items.into_iter().filter_map(|item| self.text(container, item)).collect()
    }

    fn string(&mut self, container: &mut Container, entry: Entry<'t>) -> Option<Spanned<String>> {
        self.text(container, entry.value)
    }

    /// A scalar with its variables resolved; an error where it is none.
    fn text(&mut self, container: &mut Container, node: NodeId) -> Option<Spanned<String>> {
        let span = self.tree.nodes[node].span.clone();
        let Some(text) = self.tree.scalar(node) else {
            self.error(node, "this must be a single value");
            return None;
        };
        let interpolated = interpolate(text);
        if let Some(variable) = interpolated.unknown {
            container.unknowns.push(Spanned::new(format!("the value of {variable}"), span.clone()));
        }
        Some(Spanned::new(interpolated.text.into_owned(), span))
    }

    fn boolean(&mut self, container: &mut Container, entry: Entry<'t>) -> Option<Spanned<bool>> {
        let text = self.text(container, entry.value)?;
        // compose-go, interpolation: toBoolean.
        let value = match text.value.to_ascii_lowercase().as_str() {
            "true" | "1" | "t" | "y" | "yes" | "on" => true,
            "false" | "0" | "f" | "n" | "no" | "off" => false,
            _ if text.value.contains('$') => return None,
            other => {
                self.error(
                    entry.value,
                    &format!("{} must be true or false, and is {other}", entry.name),
                );
                return None;
            }
        };
        Some(Spanned::new(value, text.span))
    }

    /// A command: a list, or a string that is split as a shell does.
    fn words(
        &mut self,
        container: &mut Container,
        entry: Entry<'t>,
    ) -> Option<Spanned<Vec<String>>> {
        let span = self.tree.nodes[entry.value].span.clone();
        if self.tree.items(entry.value).is_some() {
            let words = self.list(container, entry);
            return Some(Spanned::new(words.into_iter().map(|word| word.value).collect(), span));
        }
        let text = self.text(container, entry.value)?;
        match words::split(&text.value) {
            Some(words) => Some(Spanned::new(words, span)),
            None => {
                self.error(entry.value, &format!("a quote in {} is not closed", entry.name));
                None
            }
        }
    }

    /// A map, or a list of `name=value`.
    fn assignments(
        &mut self,
        container: &mut Container,
        entry: Entry<'t>,
    ) -> Vec<(Spanned<String>, String)> {
        if !self.tree.is_mapping(entry.value) {
            return self
                .list(container, entry)
                .into_iter()
                .map(|item| {
                    let (name, value) = item.value.split_once('=').unwrap_or((&item.value, ""));
                    (Spanned::new(name.to_owned(), item.span.clone()), value.to_owned())
                })
                .collect();
        }
        let mut assignments = Vec::new();
        for inner in self.tree.entries(entry.value) {
            let name = Spanned::new(inner.name.to_owned(), self.tree.nodes[inner.key].span.clone());
            if let Some(value) = self.text(container, inner.value) {
                assignments.push((name, value.value));
            }
        }
        assignments
    }
}

/// A build context that is no folder here: a URL or a repository.
pub(crate) fn is_remote(context: &str) -> bool {
    context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
}
