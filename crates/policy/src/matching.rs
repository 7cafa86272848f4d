//! Which containers a workload or a waiver speaks of.

use globset::{Glob, GlobMatcher};

/// One way to name containers, as a glob: `*` and `?` match any character, `/` too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// By the container's id, `FILE#SUBJECT`, with the file relative to the policy's own folder.
    Container(Pattern),
    /// By the image's reference.
    Image(Pattern),
    /// By the name that the engine gives it.
    Name(Pattern),
    /// By a label, `KEY=VALUE`.
    Label(Pattern),
    /// By an annotation of its OCI configuration, `KEY=VALUE`.
    Annotation(Pattern),
    /// By Compose's `PROJECT/SERVICE`.
    Compose(Pattern),
    /// By Kubernetes' `NAMESPACE/POD/CONTAINER`.
    Kubernetes(Pattern),
}

/// What is known of a container that is about to run. What is not known is empty, and matches
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Running {
    /// The engine's name for it.
    pub name: Option<String>,
    /// Its image's reference.
    pub image: Option<String>,
    /// Its labels.
    pub labels: Vec<(String, String)>,
    /// The annotations of its OCI configuration.
    pub annotations: Vec<(String, String)>,
    /// `PROJECT/SERVICE`.
    pub compose: Option<String>,
    /// `NAMESPACE/POD/CONTAINER`.
    pub kubernetes: Option<String>,
}

/// How closely an entry of `match` speaks of a container; the closest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closeness {
    /// Any container of an image.
    Image,
    /// Any container with a label or an annotation.
    Labelled,
    /// This one.
    Named,
}

impl Match {
    /// Whether, and how closely, it speaks of `running`. A `container` is a place in a file, and
    /// says nothing of one that runs.
    pub(crate) fn of_running(&self, running: &Running) -> Option<Closeness> {
        let text = |pattern: &Pattern, text: &Option<String>| {
            text.as_deref().is_some_and(|text| pattern.matches(text))
        };
        let pair = |pattern: &Pattern, pairs: &[(String, String)]| {
            pairs.iter().any(|(key, value)| pattern.matches(&format!("{key}={value}")))
        };
        let (holds, closeness) = match self {
            Self::Container(_) => return None,
            Self::Name(pattern) => (text(pattern, &running.name), Closeness::Named),
            Self::Compose(pattern) => (text(pattern, &running.compose), Closeness::Named),
            Self::Kubernetes(pattern) => (text(pattern, &running.kubernetes), Closeness::Named),
            Self::Label(pattern) => (pair(pattern, &running.labels), Closeness::Labelled),
            Self::Annotation(pattern) => (pair(pattern, &running.annotations), Closeness::Labelled),
            Self::Image(pattern) => {
                let image = running.image.as_deref();
                (image.is_some_and(|image| pattern.matches_image(image)), Closeness::Image)
            }
        };
        holds.then_some(closeness)
    }
}

/// A glob that has been read.
#[derive(Debug, Clone)]
pub struct Pattern(GlobMatcher);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads a glob.
    pub(crate) fn new(glob: &str) -> Result<Self, globset::Error> {
        Ok(Self(Glob::new(glob)?.compile_matcher()))
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }

    /// Whether `text` is one of those named.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// Whether the image `reference` is one of those named, in the short or in the full spelling:
    /// `nginx` is `docker.io/library/nginx:latest`.
    pub(crate) fn matches_image(&self, reference: &str) -> bool {
        let short = reference.strip_prefix("docker.io/").unwrap_or(reference);
        let short = short.strip_prefix("library/").unwrap_or(short);
        let name = short.rsplit('/').next().unwrap_or(short);
        let tagged = name.contains([':', '@']);
        self.matches(reference)
            || self.matches(short)
            || !tagged && self.matches(&format!("{short}:latest"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(glob: &str) -> Pattern {
        Pattern::new(glob).expect("a glob")
    }

    #[test]
    fn an_image_is_known_by_its_short_and_its_full_name() {
        assert!(pattern("nginx:*").matches_image("docker.io/library/nginx:1.27"));
        assert!(pattern("nginx:*").matches_image("nginx"));
        assert!(pattern("nginx:latest").matches_image("docker.io/library/nginx"));
        assert!(pattern("ghcr.io:443/a/b:*").matches_image("ghcr.io:443/a/b"));
        assert!(!pattern("nginx:*").matches_image("evil/nginx:1.27"));
        assert!(!pattern("nginx:1.27").matches_image("nginx"));
    }

    #[test]
    fn a_container_is_matched_as_a_whole() {
        assert!(pattern("*#db").matches("deploy/compose.yaml#db"));
        assert!(!pattern("compose.yaml#db").matches("deploy/compose.yaml#db"));
        assert!(!pattern("*#db").matches("compose.yaml#db2"));
    }
}
