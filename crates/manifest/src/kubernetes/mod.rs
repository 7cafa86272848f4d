//! Kubernetes manifests: pods, and what makes pods of a template.
//!
//! Source: the Kubernetes API reference, `PodSpec`, `Container`, `SecurityContext`,
//! `PodSecurityContext`.

mod container;
mod pod;
mod reader;
mod volume;

use reader::Reader;

use crate::{
    Document, Format, ReadError,
    text::Lines,
    yaml::{NodeId, Tree, Value},
};

/// The kinds that hold a pod, each with the way from the object to the pod's `metadata` and `spec`.
const KINDS: [(&str, &[&str]); 9] = [
    ("Pod", &[]),
    ("Deployment", &["spec", "template"]),
    ("ReplicaSet", &["spec", "template"]),
    ("StatefulSet", &["spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("ReplicationController", &["spec", "template"]),
    ("Job", &["spec", "template"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template"]),
    ("PodTemplate", &["template"]),
];

/// What the kind of a list ends in: `List`, `PodList`.
const LIST: &str = "List";

/// Where an object lies that names no namespace.
const DEFAULT_NAMESPACE: &str = "default";

/// What begins a template's action, in Helm's language.
const ACTION: &str = "{{";

/// Whether a text may be a manifest with pods: it has the words that one cannot do without. Cheap, so
/// that it can be asked of every YAML and JSON file of a tree.
pub(crate) fn may_be_manifest(text: &str) -> bool {
    let names_a_kind = || {
        text.match_indices("kind").any(|(at, word)| {
            let rest = text[at + word.len()..].trim_start_matches(['"', '\'', ':', ' ', '\t']);
            let rest = rest.trim_start();
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            rest[..end].ends_with(LIST) || pod_path(&rest[..end]).is_some()
        })
    };
    text.contains("apiVersion") && text.contains("ontainers") && names_a_kind()
}

/// Whether a text may be any object of Kubernetes.
pub(crate) fn may_be_object(text: &str) -> bool {
    text.contains("apiVersion") && text.contains("kind")
}

/// The way to the pod of a kind.
fn pod_path(kind: &str) -> Option<&'static [&'static str]> {
    KINDS.iter().find(|(name, _)| *name == kind).map(|(_, path)| *path)
}

/// Reads every container of a manifest. A template that has to be rendered first is said to be one,
/// and nothing of it is read.
pub(crate) fn read(path: &str, text: &str) -> Document {
    let mut document = Document::empty(path, Format::Kubernetes, text.len());
    let (tree, error) = Tree::parse(text);
    if let Some(at) = action_of(text, &tree, error.as_ref()) {
        let (line, column) = Lines::new(text).line_column(at);
        let message = "a template, not YAML: render it first (`helm template`)".to_owned();
        document.errors.push(ReadError { line, column, message });
        document.template = true;
        return document;
    }
    let mut reader = Reader::new(path, text, &tree);
    for root in &tree.documents {
        reader.object(*root, None);
    }
    document.containers = reader.containers;
    document.errors = reader.errors;
    document.errors.extend(error);
    document
}

/// Where the first action of a template stands, if the text is one. Actions in quotes and in blocks of
/// text are somebody else's, and no hindrance.
fn action_of(text: &str, tree: &Tree<'_>, error: Option<&ReadError>) -> Option<usize> {
    let first = text.find(ACTION)?;
    if error.is_some() {
        return Some(first);
    }
    // `{{ .Values.x }}` alone is a mapping whose key is a mapping.
    let is_action = |node: &&crate::yaml::Node<'_>| {
        matches!(&node.value, Value::Mapping { pairs, flow: true }
            if pairs.iter().step_by(2).any(|key| tree.is_mapping(*key)))
    };
    tree.nodes.iter().find(is_action).map(|node| node.span.start)
}

impl<'t> Reader<'t> {
    /// Reads an object, or each one of a list. `of_list` is the kind that the items of a typed list
    /// need not name.
    fn object(&mut self, node: NodeId, of_list: Option<&str>) {
        if !self.tree.is_mapping(node) {
            return;
        }
        let field = |name| self.tree.entries(node).into_iter().find(|entry| entry.name == name);
        let kind = field("kind").and_then(|entry| self.tree.scalar(entry.value)).or(of_list);
        let has_version = of_list.is_some() || field("apiVersion").is_some();
        let Some(kind) = kind.filter(|_| has_version) else { return };
        if let Some(items) = kind.strip_suffix(LIST) {
            let Some(entry) = field("items") else { return };
            for item in self.tree.items(entry.value).unwrap_or_default() {
                self.object(*item, Some(items));
            }
            return;
        }
        let Some(path) = pod_path(kind) else { return };
        self.refuse_repeated_keys(node);
        let mut pod = node;
        for name in path {
            let Some(inner) = self.field(pod, name) else { return };
            pod = inner.value;
        }
        let Some(subject) = self.subject(node, kind) else { return };
        self.pod(node, pod, &subject);
    }

    /// `NAMESPACE/KIND/NAME`. A `generateName` stands for the names that the server makes of it.
    fn subject(&mut self, object: NodeId, kind: &str) -> Option<String> {
        let metadata = self.field(object, "metadata").map(|entry| entry.value);
        let mut word = |name| {
            let entry = self.field(metadata?, name)?;
            Some(self.string(entry.value)?.value).filter(|word| !word.is_empty())
        };
        let namespace = word("namespace");
        let Some(name) = word("name").or_else(|| word("generateName")) else {
            self.error(object, &format!("this {kind} has no name"));
            return None;
        };
        let namespace = namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        Some(format!("{namespace}/{kind}/{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::may_be_manifest;

    #[test]
    fn what_has_the_words_may_be_a_manifest() {
        for (text, may) in [
            ("apiVersion: v1\nkind: Pod\nspec: {containers: []}", true),
            ("{\"apiVersion\":\"v1\",\"kind\" : \"Pod\",\"spec\":{\"initContainers\":[]}}", true),
            ("apiVersion: v1\nkind:\n  List\nitems: [{kind: 'x', containers: []}]", true),
            ("apiVersion: v1\nkind: ConfigMap\ndata: {containers: x}", false),
            ("apiVersion: v1\nkind: Pods\nspec: {containers: []}", false),
            ("kind: Pod\nspec: {containers: []}", false),
            ("kind", false),
        ] {
            assert_eq!(may_be_manifest(text), may, "{text}");
        }
    }
}
