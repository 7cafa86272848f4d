//! Edits of random Compose files in many styles: exactly what is wanted, and nothing else.

use crate::{edited, set};
use dropcap_manifest::{Container, Mount, Wanted, read};
use proptest::prelude::*;

const CAPABILITIES: [&str; 6] = ["ALL", "CHOWN", "CAP_KILL", "net_raw", "SETUID", "SYS_ADMIN"];
const OPTIONS: [&str; 3] = ["no-new-privileges:true", "seccomp=unconfined", "apparmor=unconfined"];

/// How a list is written.
#[derive(Debug, Clone, Copy)]
enum ListStyle {
    Flow,
    FlowLines,
    Indented,
    Flush,
}

#[derive(Debug, Clone)]
struct List {
    values: Vec<&'static str>,
    style: ListStyle,
    quote: &'static str,
    comments: bool,
    /// Written once under `x-`, and used here by its alias.
    alias: bool,
}

#[derive(Debug, Clone)]
struct Service {
    flow: bool,
    merge: bool,
    privileged: Option<bool>,
    user: Option<&'static str>,
    cap_add: Option<List>,
    cap_drop: Option<List>,
    security_opt: Option<List>,
    blank_after: bool,
    comment_after: bool,
    /// The image stands last, not first.
    image_last: bool,
}

#[derive(Debug, Clone)]
struct File {
    services: Vec<Service>,
    step: usize,
    crlf: bool,
    mark: bool,
    final_newline: bool,
}

fn list(values: &'static [&'static str]) -> impl Strategy<Value = Option<List>> {
    let style = prop_oneof![
        Just(ListStyle::Flow),
        Just(ListStyle::FlowLines),
        Just(ListStyle::Indented),
        Just(ListStyle::Flush)
    ];
    let quote = prop::sample::select(vec!["", "\"", "'"]);
    let values = prop::sample::subsequence(values.to_vec(), 0..=values.len());
    let list = (values, style, quote, any::<bool>(), prop::bool::weighted(0.2));
    prop::option::of(list.prop_map(|(values, style, quote, comments, alias)| List {
        values,
        style,
        quote,
        comments,
        alias,
    }))
}

fn service() -> impl Strategy<Value = Service> {
    let user = prop::option::of(prop::sample::select(vec!["root", "'0'", "\"${U:-app}\""]));
    let lists = (list(&CAPABILITIES), list(&CAPABILITIES), list(&OPTIONS));
    let flags = (
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.3),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (lists, flags, prop::option::of(any::<bool>()), user).prop_map(
        |(lists, flags, privileged, user)| {
            let (cap_add, cap_drop, security_opt) = lists;
            let (flow, merge, blank_after, comment_after, image_last) = flags;
            Service {
                flow,
                merge,
                privileged,
                user,
                cap_add,
                cap_drop,
                security_opt,
                blank_after,
                comment_after,
                image_last,
            }
        },
    )
}

fn file() -> impl Strategy<Value = File> {
    let services = prop::collection::vec(service(), 1..4);
    (services, prop::sample::select(vec![2_usize, 4]), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(services, step, crlf, mark, final_newline)| File {
            services,
            step,
            crlf,
            mark,
            final_newline,
        })
}

fn written(value: &str, quote: &str) -> String {
    format!("{quote}{value}{quote}")
}

impl List {
    fn flow(&self) -> String {
        let values: Vec<String> =
            self.values.iter().map(|value| written(value, self.quote)).collect();
        format!("[{}]", values.join(", "))
    }

    fn write(&self, out: &mut String, key: &str, column: usize, step: usize) {
        let pad = " ".repeat(column);
        let note = if self.comments { " # why" } else { "" };
        match self.style {
            ListStyle::FlowLines if !self.values.is_empty() => {
                *out += &format!("{pad}{key}: [{note}\n");
                for value in &self.values {
                    *out += &format!(
                        "{pad}{}{},{note}\n",
                        " ".repeat(step),
                        written(value, self.quote)
                    );
                }
                *out += &format!("{pad}]\n");
            }
            ListStyle::Flow | ListStyle::FlowLines => {
                *out += &format!("{pad}{key}: {}{note}\n", self.flow())
            }
            ListStyle::Indented | ListStyle::Flush => {
                let inner = if matches!(self.style, ListStyle::Flush) {
                    pad.clone()
                } else {
                    " ".repeat(column + step)
                };
                *out += &format!("{pad}{key}:{note}\n");
                for value in &self.values {
                    if self.comments {
                        *out += &format!("{inner}# about {value}\n");
                    }
                    *out += &format!("{inner}- {}{note}\n", written(value, self.quote));
                }
            }
        }
    }
}

impl Service {
    fn lists(&self) -> [(&'static str, &Option<List>); 3] {
        [
            ("cap_add", &self.cap_add),
            ("cap_drop", &self.cap_drop),
            ("security_opt", &self.security_opt),
        ]
    }

    fn write(&self, out: &mut String, name: &str, step: usize) {
        let column = 2 * step;
        let pad = " ".repeat(column);
        let alias = |key: &str| format!("*{name}_{key}");
        if self.flow {
            let mut parts = vec![format!("image: {name}")];
            parts.extend(self.merge.then(|| "<<: *base".to_owned()));
            parts.extend(self.privileged.map(|privileged| format!("privileged: {privileged}")));
            parts.extend(self.user.map(|user| format!("user: {user}")));
            for (key, list) in self.lists() {
                parts.extend(list.as_ref().map(|list| {
                    format!(
                        "{key}: {}",
                        if list.alias { format!("{} ", alias(key)) } else { list.flow() }
                    )
                }));
            }
            *out += &format!("{}{name}: {{ {} }}\n", " ".repeat(step), parts.join(", "));
        } else {
            *out += &format!("{}{name}: # the service {name}\n", " ".repeat(step));
            if !self.image_last {
                *out += &format!("{pad}image: {name}\n");
            }
            if self.merge {
                *out += &format!("{pad}<<: *base\n");
            }
            if let Some(privileged) = self.privileged {
                *out += &format!("{pad}privileged: {privileged} # hm\n");
            }
            if let Some(user) = self.user {
                *out += &format!("{pad}user: {user}\n");
            }
            for (key, list) in self.lists() {
                match list {
                    Some(list) if list.alias => {
                        *out += &format!("{pad}{key}: {} # shared\n", alias(key))
                    }
                    Some(list) => list.write(out, key, column, step),
                    None => {}
                }
            }
            if self.image_last {
                *out += &format!("{pad}image: {name}\n");
            }
        }
        if self.blank_after {
            *out += "\n";
        }
        if self.comment_after {
            *out += &format!("{}# behind {name}\n", " ".repeat(step));
        }
    }
}

impl File {
    fn text(&self) -> String {
        let mut out = "# größe\nx-base: &base\n  cap_add: [NET_ADMIN]\n  user: based\n".to_owned();
        for (index, service) in self.services.iter().enumerate() {
            for (key, list) in service.lists() {
                if let Some(list) = list
                    && list.alias
                {
                    out += &format!("x-s{index}-{key}: &s{index}_{key} {}\n", list.flow());
                }
            }
        }
        out += "services:\n";
        for (index, service) in self.services.iter().enumerate() {
            service.write(&mut out, &format!("s{index}"), self.step);
        }
        if !self.final_newline {
            out.truncate(out.trim_end().len());
        }
        if self.crlf {
            out = out.replace('\n', "\r\n");
        }
        if self.mark { format!("\u{feff}{out}") } else { out }
    }
}

/// A mount that may be wanted.
const MOUNT: &str = "/a/b:/c/d:ro";

fn wanted() -> impl Strategy<Value = Wanted> {
    let capabilities = || {
        prop::option::of(
            prop::sample::subsequence(CAPABILITIES.to_vec(), 0..=3)
                .prop_map(|names| names.into_iter().map(str::to_owned).collect()),
        )
    };
    (
        capabilities(),
        capabilities(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(
                cap_drop,
                cap_add,
                no_new_privileges,
                confined,
                unprivileged,
                user,
                sysctl,
                mount,
            )| Wanted {
                cap_drop,
                cap_add,
                add_security_opt: no_new_privileges
                    .then(|| OPTIONS[0].to_owned())
                    .into_iter()
                    .collect(),
                remove_security_opt: confined.then(|| OPTIONS[1].to_owned()).into_iter().collect(),
                unprivileged,
                user: user.then(|| "1000:1000".to_owned()),
                no_privilege_escalation: false,
                set_sysctls: sysctl
                    .then(|| ("a.b".to_owned(), "0".to_owned()))
                    .into_iter()
                    .collect(),
                add_mounts: mount.then(|| MOUNT.to_owned()).into_iter().collect(),
            },
        )
}

/// Everything of a container but its places, by values that this test picks itself.
fn values(container: &Container) -> impl PartialEq + std::fmt::Debug + '_ {
    let settings = &container.settings;
    (
        container.id.as_str(),
        container.image.as_ref().map(|image| image.value.as_str()),
        settings.user.as_ref().map(|user| user.value.as_str()),
        settings.privileged.as_ref().map(|privileged| privileged.value),
        settings.cap_add.iter().map(|item| item.value.as_str()).collect::<Vec<_>>(),
        settings.cap_drop.iter().map(|item| item.value.as_str()).collect::<Vec<_>>(),
        settings.security_opt.iter().map(|item| item.value.as_str()).collect::<Vec<_>>(),
        &settings.sysctls,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_does_what_is_wanted_and_nothing_else(file in file(), wanted in wanted(), which in any::<prop::sample::Index>()) {
        let text = file.text();
        let before = read("compose.yaml", text.as_bytes());
        prop_assert_eq!(&before.errors, &[], "{}", text);
        prop_assert_eq!(before.containers.len(), file.services.len());
        let which = which.index(file.services.len());
        prop_assert_eq!(&before.containers[which].id, &format!("compose.yaml#s{which}"));
        let (new, after) = edited("compose.yaml", &text, &before, which, &wanted)?;
        let (old, container) = (&before.containers[which], &after.containers[which]);
        let settings = &container.settings;
        let mut options = set(&old.settings.security_opt);
        wanted.remove_security_opt.iter().for_each(|option| { options.remove(option.as_str()); });
        options.extend(wanted.add_security_opt.iter().map(String::as_str));
        prop_assert_eq!(set(&settings.security_opt), options, "{}", new);
        let user = wanted.user.as_ref().or(old.settings.user.as_ref().map(|user| &user.value));
        prop_assert_eq!(settings.user.as_ref().map(|user| &user.value), user);
        let was_privileged = old.settings.privileged.as_ref().is_some_and(|privileged| privileged.value);
        prop_assert_eq!(settings.privileged.as_ref().is_some_and(|privileged| privileged.value), was_privileged && !wanted.unprivileged);
        prop_assert_eq!(&settings.sysctls, &wanted.set_sysctls);
        let is_wanted = |mount: &&Mount| mount.source == "/a/b" && mount.target == "/c/d" && mount.bind && mount.read_only;
        prop_assert_eq!(settings.mounts.iter().filter(is_wanted).count(), wanted.add_mounts.len(), "{}", new);
        prop_assert_eq!(settings.mounts.len(), old.settings.mounts.len() + wanted.add_mounts.len());
        prop_assert_eq!(&container.image.as_ref().unwrap().value, &old.image.as_ref().unwrap().value);

        // Everything else is as it was.
        for (index, (old, new)) in before.containers.iter().zip(&after.containers).enumerate() {
            if index != which {
                prop_assert_eq!(values(old), values(new));
            }
        }
        // A comment behind a value that goes may go with it.
        let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#') && !line.trim_end().ends_with("# why")).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(comments(&text), comments(&new), "every comment that has a line of its own stays");
        prop_assert_eq!(new.matches("\r\n").count() == new.matches('\n').count(), file.crlf || !new.contains('\n'), "{:?}", new);
        prop_assert_eq!(new.starts_with('\u{feff}'), file.mark);
        let head = |text: &str| text.split("services:").next().unwrap_or_default().to_owned();
        prop_assert_eq!(head(&text), head(&new), "no anchor that others may share is touched");

    }
}
