//! Which containers a workload or a waiver speaks of.

use globset::{Glob, GlobMatcher};

/// One way to name containers, as a glob: `*` and `?` match any character, `/` too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// By the container's id, `FILE#SUBJECT`, with the file relative to the policy's own folder.
    Container(Pattern),
    /// By the image's reference.
    Image(Pattern),
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
