//! Random pods, written in many styles.

use proptest::prelude::*;

/// The names that are written, and those that are wanted.
pub const CAPABILITIES: [&str; 6] = ["ALL", "CHOWN", "CAP_KILL", "net_raw", "SETUID", "SYS_ADMIN"];

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

/// A container of the pod.
#[derive(Debug, Clone)]
pub struct Written {
    flow: bool,
    context: Option<Context>,
    /// The context stands before the image.
    context_first: bool,
    args: Option<Style>,
    comment_after: bool,
}

/// A file with one pod.
#[derive(Debug, Clone)]
pub struct File {
    pub containers: Vec<Written>,
    /// JSON: every style is `Flow`.
    pub json: bool,
    lines: bool,
    step: usize,
    pub crlf: bool,
    pub mark: bool,
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

/// Any file.
pub fn file() -> impl Strategy<Value = File> {
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
    /// As it is written.
    pub fn text(&self) -> String {
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
