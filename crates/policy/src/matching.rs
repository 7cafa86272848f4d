//! Which containers a workload or a waiver speaks of.

use globset::{Glob, GlobMatcher};
use std::sync::OnceLock;

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

/// A glob that has been read. Reading one for an automaton takes a good part of what the OCI runtime does with a
/// policy, and building the automaton longer than all else, so either is done only for globs that need it.
#[derive(Debug, Clone)]
pub struct Pattern {
    written: String,
    /// None where there is nothing but text, `*` and `?`.
    special: Option<(Glob, OnceLock<GlobMatcher>)>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads a glob.
    pub(crate) fn new(glob: &str) -> Result<Self, globset::Error> {
        // `**` is more than two stars.
        let special = glob.contains(['[', ']', '{', '}', '\\']) || glob.contains("**");
        let special = if special { Some((Glob::new(glob)?, OnceLock::new())) } else { None };
        Ok(Self { written: glob.to_owned(), special })
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether `text` is one of those named.
    pub fn matches(&self, text: &str) -> bool {
        match &self.special {
            None => matches_wildcards(self.written.as_bytes(), text.as_bytes()),
            Some((glob, automaton)) => {
                automaton.get_or_init(|| glob.compile_matcher()).is_match(text)
            }
        }
    }

    /// Whether the image `reference` is one of those named, in the short or in the full spelling:
    /// `nginx` is `docker.io/library/nginx:latest`.
    pub(crate) fn matches_image(&self, reference: &str) -> bool {
        let short = reference.strip_prefix("docker.io/").unwrap_or(reference);
        let short = short.strip_prefix("library/").unwrap_or(short);
        let name = short.rsplit('/').next().unwrap_or(short);
        let full = match short.split_once('/') {
            None => format!("docker.io/library/{short}"),
            // A registry has a dot, a port or a capital, or is this machine (distribution's `reference`,
            // `splitDockerDomain`).
            Some((first, _))
                if first.contains(['.', ':'])
                    || first.bytes().any(|byte| byte.is_ascii_uppercase())
                    || first == "localhost" =>
            {
                short.to_owned()
            }
            Some(_) => format!("docker.io/{short}"),
        };
        let matches = |reference: &str| {
            let tagged = name.contains([':', '@']);
            self.matches(reference) || !tagged && self.matches(&format!("{reference}:latest"))
        };
        self.matches(reference) || matches(short) || matches(&full)
    }
}

/// Whether `text` is matched by `glob`, in which `*` is any text and `?` any one byte. The last star that
/// was met takes one byte more whenever what follows it does not fit.
fn matches_wildcards(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut star = None;
    while here < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[here] => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((star_at, taken)) = &mut star else { return false };
                *taken += 1;
                (at, here) = (*star_at + 1, *taken);
            }
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_what_the_automaton_matches() {
        let globs = ["", "*", "?", "??", "a*", "*a", "a*b*a", "?b", "a?*", "*ab*", "ab", "*a?b*/"];
        let globs = globs.into_iter().chain(["é", "?é", "*é*", "a,b", "!a", "a-b", "^", "a.b"]);
        let texts =
            ["", "a", "b", "ab", "ba", "aba", "abab", "aabba", "a/b", "a/b/", "xab/y", "acb/"];
        let others = ["é", "éb", "aé", "日本", "a,b", "!a", "a-b", "^", "a.b", "axb", "a\nb"];
        for glob in globs {
            let automaton = Glob::new(glob).expect("a glob").compile_matcher();
            for text in texts.into_iter().chain(others) {
                assert_eq!(pattern(glob).matches(text), automaton.is_match(text), "{glob} {text}");
            }
        }
    }

    fn pattern(glob: &str) -> Pattern {
        Pattern::new(glob).expect("a glob")
    }

    #[test]
    fn an_image_is_known_by_its_short_and_its_full_name() {
        assert!(pattern("nginx:*").matches_image("docker.io/library/nginx:1.27"));
        assert!(pattern("nginx:*").matches_image("nginx"));
        assert!(pattern("nginx:latest").matches_image("docker.io/library/nginx"));
        assert!(pattern("ghcr.io:443/a/b:*").matches_image("ghcr.io:443/a/b"));
        for spelling in ["nginx:1.27", "library/nginx:1.27", "docker.io/library/nginx:1.27"] {
            assert!(pattern("docker.io/library/nginx:*").matches_image(spelling), "{spelling}");
        }
        assert!(pattern("docker.io/library/nginx:latest").matches_image("nginx"));
        assert!(pattern("docker.io/a/b:1").matches_image("a/b:1"));
        assert!(!pattern("docker.io/*").matches_image("ghcr.io/a/b:1"));
        assert!(!pattern("docker.io/*").matches_image("localhost/a:1"));
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
