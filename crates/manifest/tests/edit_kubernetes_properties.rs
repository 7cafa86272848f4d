//! Edits of random Kubernetes manifests in many styles: exactly what is wanted, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use dropcap_manifest::{Container, Spanned, Wanted, apply, apply_and_verify, read};
use proptest::prelude::*;

const CAPABILITIES: [&str; 6] = ["ALL", "CHOWN", "CAP_KILL", "net_raw", "SETUID", "SYS_ADMIN"];

/// How a mapping or a list is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Style {
    Flow,
    Block,
    /// The dash below the key.
    Flush,
}

/// A security context; what is `None` is not there, an empty one is `{}`, or nothing behind its colon.
#[derive(Debug, Clone)]
struct Context {
    style: Style,
    escalation: Option<bool>,
    privileged: Option<bool>,
    user: Option<&'static str>,
    capabilities: Option<Capabilities>,
    comments: bool,
    nothing: bool,
}

#[derive(Debug, Clone)]
struct Capabilities {
    style: Style,
    add: Option<Vec<&'static str>>,
    drop: Option<Vec<&'static str>>,
    lists: Style,
    nothing: bool,
}

#[derive(Debug, Clone)]
struct Written {
    flow: bool,
    context: Option<Context>,
    /// The context stands before the image.
    context_first: bool,
    args: Option<Style>,
    comment_after: bool,
}

#[derive(Debug, Clone)]
struct File {
    containers: Vec<Written>,
    /// JSON: every style is `Flow`.
    json: bool,
    lines: bool,
    step: usize,
    crlf: bool,
    mark: bool,
    final_newline: bool,
}

fn style() -> impl Strategy<Value = Style> {
    prop::sample::select(vec![Style::Flow, Style::Block, Style::Flush])
}

fn names() -> impl Strategy<Value = Option<Vec<&'static str>>> {
    prop::option::of(prop::sample::subsequence(CAPABILITIES.to_vec(), 0..=4))
}

fn context() -> impl Strategy<Value = Context> {
    let capabilities = (style(), names(), names(), style(), any::<bool>()).prop_map(
        |(style, add, drop, lists, nothing)| Capabilities { style, add, drop, lists, nothing },
    );
    let flag = || prop::option::of(any::<bool>());
    let user = prop::option::of(prop::sample::select(vec!["0", "7"]));
    (style(), flag(), flag(), user, prop::option::of(capabilities), any::<bool>(), any::<bool>())
        .prop_map(|(style, escalation, privileged, user, capabilities, comments, nothing)| {
            Context { style, escalation, privileged, user, capabilities, comments, nothing }
        })
}

fn written() -> impl Strategy<Value = Written> {
    let flags = (prop::bool::weighted(0.3), any::<bool>(), any::<bool>());
    (flags, prop::option::of(context()), prop::option::of(style())).prop_map(
        |((flow, context_first, comment_after), context, args)| Written {
            flow,
            context,
            context_first,
            args,
            comment_after,
        },
    )
}

fn file() -> impl Strategy<Value = File> {
    let flags =
        (prop::bool::weighted(0.25), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (prop::collection::vec(written(), 1..4), flags, prop::sample::select(vec![2_usize, 4]))
        .prop_map(|(containers, (json, lines, crlf, mark, final_newline), step)| File {
            containers,
            json,
            lines,
            step,
            crlf,
            mark,
            final_newline,
        })
}

/// A value, to be written in one style or another.
enum Value {
    Word(String),
    List(Vec<String>, Style),
    Map(Vec<(&'static str, Value)>, Style),
    Nothing,
}

impl Value {
    fn flow(&self, json: bool) -> String {
        let quoted = |word: &str| if json { format!("\"{word}\"") } else { word.to_owned() };
        match self {
            Self::Word(word) if matches!(word.as_str(), "true" | "false" | "0" | "7") => {
                word.clone()
            }
            Self::Word(word) => quoted(word),
            Self::List(list, _) => {
                format!("[{}]", list.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", "))
            }
            Self::Map(map, _) => {
                let pair =
                    |(key, value): &(&str, Value)| format!("{}: {}", quoted(key), value.flow(json));
                format!("{{{}}}", map.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
            Self::Nothing => if json { "null" } else { "~" }.to_owned(),
        }
    }

    fn block(&self, key: &str, column: usize, step: usize, note: &str, out: &mut Vec<String>) {
        let pad = " ".repeat(column);
        match self {
            Self::Nothing => out.push(format!("{pad}{key}:{note}")),
            Self::List(list, style) if *style != Style::Flow && !list.is_empty() => {
                out.push(format!("{pad}{key}:{note}"));
                let inner = if *style == Style::Flush { column } else { column + step };
                out.extend(list.iter().map(|word| format!("{}- {word}", " ".repeat(inner))));
            }
            Self::Map(map, style) if *style != Style::Flow && !map.is_empty() => {
                out.push(format!("{pad}{key}:{note}"));
                for (key, value) in map {
                    if !note.is_empty() {
                        out.push(format!("{}# about {key}", " ".repeat(column + step)));
                    }
                    value.block(key, column + step, step, note, out);
                }
            }
            value => out.push(format!("{pad}{key}: {}{note}", value.flow(false))),
        }
    }
}

impl Context {
    fn value(&self) -> Value {
        let word = |value: &dyn ToString| Value::Word(value.to_string());
        let mut map = Vec::new();
        map.extend(self.escalation.as_ref().map(|it| ("allowPrivilegeEscalation", word(it))));
        map.extend(self.user.as_ref().map(|it| ("runAsUser", word(it))));
        if let Some(capabilities) = &self.capabilities {
            let list = |names: &Vec<&str>| {
                Value::List(
                    names.iter().map(|name| (*name).to_owned()).collect(),
                    capabilities.lists,
                )
            };
            let mut lists = Vec::new();
            lists.extend(capabilities.add.as_ref().map(|names| ("add", list(names))));
            lists.extend(capabilities.drop.as_ref().map(|names| ("drop", list(names))));
            let empty = lists.is_empty() && capabilities.nothing;
            let value = if empty { Value::Nothing } else { Value::Map(lists, capabilities.style) };
            map.push(("capabilities", value));
        }
        map.extend(self.privileged.as_ref().map(|it| ("privileged", word(it))));
        if map.is_empty() && self.nothing { Value::Nothing } else { Value::Map(map, self.style) }
    }
}

impl Written {
    fn pairs(&self, name: &str) -> Vec<(&'static str, Value)> {
        let mut pairs =
            vec![("name", Value::Word(name.to_owned())), ("image", Value::Word("i".to_owned()))];
        pairs.extend(
            self.args
                .map(|style| ("args", Value::List(vec!["x".to_owned(), "y".to_owned()], style))),
        );
        if let Some(context) = &self.context {
            let at = if self.context_first { 1 } else { pairs.len() };
            pairs.insert(at, ("securityContext", context.value()));
        }
        pairs
    }
}

impl File {
    fn text(&self) -> String {
        let mut out = if self.json { self.as_json() } else { self.as_yaml() };
        if !self.final_newline {
            out.truncate(out.trim_end().len());
        }
        if self.crlf {
            out = out.replace('\n', "\r\n");
        }
        if self.mark { format!("\u{feff}{out}") } else { out }
    }

    fn as_json(&self) -> String {
        let containers = self.containers.iter().enumerate().map(|(index, written)| {
            let pairs = written.pairs(&format!("c{index}"));
            if !self.lines {
                return Value::Map(pairs, Style::Flow).flow(true);
            }
            let lines =
                pairs.iter().map(|(key, value)| format!("    \"{key}\": {}", value.flow(true)));
            format!("{{\n{}\n  }}", lines.collect::<Vec<_>>().join(",\n"))
        });
        format!(
            "{{\n  \"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {{\"name\": \"p\"}},\n  \"spec\": \
             {{\"containers\": [{}]}}\n}}\n",
            containers.collect::<Vec<_>>().join(", ")
        )
    }

    fn as_yaml(&self) -> String {
        let mut lines: Vec<String> = [
            "# größe",
            "apiVersion: v1",
            "kind: Pod",
            "metadata: {name: p}",
            "spec:",
            "  containers:",
        ]
        .map(str::to_owned)
        .to_vec();
        for (index, written) in self.containers.iter().enumerate() {
            let pairs = written.pairs(&format!("c{index}"));
            if written.flow {
                lines
                    .push(format!("  - {} # c{index}", Value::Map(pairs, Style::Flow).flow(false)));
            } else {
                let note = match &written.context {
                    Some(context) if context.comments => " # why",
                    _ => "",
                };
                let mut own = Vec::new();
                for (key, value) in &pairs {
                    let note = if *key == "securityContext" { note } else { "" };
                    value.block(key, 4, self.step, note, &mut own);
                }
                own[0].replace_range(0..4, "  - ");
                lines.extend(own);
            }
            if written.comment_after {
                lines.push(format!("  # behind c{index}"));
            }
        }
        lines.join("\n") + "\n---\nkind: Other\n"
    }
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let list = || {
        let names = prop::sample::subsequence(CAPABILITIES.to_vec(), 0..=3);
        prop::option::of(names.prop_map(|names| names.into_iter().map(str::to_owned).collect()))
    };
    (list(), list(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(cap_drop, cap_add, no_privilege_escalation, unprivileged, user)| Wanted {
            cap_drop,
            cap_add,
            no_privilege_escalation,
            unprivileged,
            user: user.then(|| "1000".to_owned()),
            ..Wanted::default()
        },
    )
}

fn set(list: &[Spanned<String>]) -> BTreeSet<&str> {
    list.iter().map(|item| item.value.as_str()).collect()
}

/// Everything of a container but its places, by values that this test picks itself.
fn values(container: &Container) -> impl PartialEq + std::fmt::Debug + '_ {
    let settings = &container.settings;
    (
        container.id.as_str(),
        settings.user.as_ref().map(|user| user.value.as_str()),
        settings.privileged.as_ref().map(|it| it.value),
        settings.allow_privilege_escalation.as_ref().map(|it| it.value),
        settings.cap_add.iter().map(|item| item.value.as_str()).collect::<Vec<_>>(),
        settings.cap_drop.iter().map(|item| item.value.as_str()).collect::<Vec<_>>(),
        settings.command.as_ref().map(|words| &words.value),
    )
}

/// Whether a text is JSON, as strictly as its own grammar: keys and words in quotes, no comma too many.
fn is_json(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut last = ' ';
    let mut rest = text.trim_start_matches('\u{feff}').chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                if matches!(last, '"' | '}' | ']' | 'w') || rest.by_ref().all(|it| it != '"') {
                    return false;
                }
            }
            '{' | '[' => depth += 1,
            '}' | ']' if depth > 0 && !matches!(last, ',' | ':') => depth -= 1,
            ',' | ':' if !matches!(last, ',' | ':' | '{' | '[') => {}
            'a'..='z' | '0'..='9' if matches!(last, 'w') => continue,
            'a'..='z' | '0'..='9' if last == ':' => {
                last = 'w';
                continue;
            }
            ' ' | '\n' | '\r' => continue,
            _ => return false,
        }
        last = character;
    }
    depth == 0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_does_what_is_wanted_and_nothing_else(file in file(), wanted in wanted(), which in any::<prop::sample::Index>()) {
        let name = if file.json { "pod.json" } else { "pod.yaml" };
        let text = file.text();
        let before = read(name, text.as_bytes());
        prop_assert_eq!(&before.errors, &[], "{}", text);
        prop_assert_eq!(before.containers.len(), file.containers.len());
        let which = which.index(file.containers.len());
        let id = format!("{name}#default/Pod/p/c{which}");

        let edited = apply_and_verify(name, text.as_bytes(), &id, &wanted);
        let edited = edited.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(apply(text.as_bytes(), &edited.edits), edited.bytes.clone());
        let new = String::from_utf8(edited.bytes.clone()).unwrap();
        let after = read(name, new.as_bytes());
        prop_assert_eq!(&after.errors, &[], "{}", new);

        // What is wanted is there.
        let (old, container) = (&before.containers[which], &after.containers[which]);
        let settings = &container.settings;
        for (wanted, is, was) in [
            (&wanted.cap_drop, &settings.cap_drop, &old.settings.cap_drop),
            (&wanted.cap_add, &settings.cap_add, &old.settings.cap_add),
        ] {
            let expected = wanted.as_ref().map_or_else(|| set(was), |wanted| wanted.iter().map(String::as_str).collect());
            prop_assert_eq!(set(is), expected, "{}", new);
        }
        let flag = |it: &Option<Spanned<bool>>| it.as_ref().map(|it| it.value);
        let escalation = if wanted.no_privilege_escalation { Some(false) } else { flag(&old.settings.allow_privilege_escalation) };
        prop_assert_eq!(flag(&settings.allow_privilege_escalation), escalation, "{}", new);
        let privileged = flag(&old.settings.privileged).map(|was| was && !wanted.unprivileged);
        prop_assert_eq!(flag(&settings.privileged), privileged, "{}", new);
        let user = wanted.user.as_ref().or(old.settings.user.as_ref().map(|user| &user.value));
        prop_assert_eq!(settings.user.as_ref().map(|user| &user.value), user, "{}", new);

        // Everything else is as it was.
        for (index, (old, new)) in before.containers.iter().zip(&after.containers).enumerate() {
            if index != which {
                prop_assert_eq!(values(old), values(new));
            }
        }
        let comments = |text: &str| text.lines().filter(|line| line.trim_start().starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(comments(&text), comments(&new), "every comment that has a line of its own stays");
        prop_assert_eq!(new.matches("\r\n").count() == new.matches('\n').count(), file.crlf || !new.contains('\n'), "{:?}", new);
        prop_assert_eq!(new.starts_with('\u{feff}'), file.mark);
        prop_assert!(!file.json || is_json(&text), "{}", text);
        prop_assert!(!file.json || is_json(&new), "{}", new);

        // A second edit changes nothing.
        let again = apply_and_verify(name, &edited.bytes, &id, &wanted).unwrap();
        prop_assert_eq!(again.edits, vec![]);
    }
}

#[test]
fn what_is_no_json_is_told_from_it() {
    for (text, expected) in [
        ("{\"a\": [\"b\", \"c\"], \"d\": 5, \"e\": {}}", true),
        ("{a: 1}", false),
        ("{\"a\": [b]}", false),
        ("{\"a\": 1,}", false),
        ("{\"a\": \"b\" \"c\"}", false),
        ("{\"a\": 1", false),
        ("{,\"a\": 1}", false),
    ] {
        assert_eq!(is_json(text), expected, "{text}");
    }
}
