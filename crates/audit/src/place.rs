//! How the policy names a file.

/// Where the policy lies: its globs speak of files relative to its own folder, however somebody names
/// them. Without folders every name stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyPlace {
    /// The working directory, from which files are named that are not named from `/`.
    pub here: String,
    /// The policy's folder from `/`, by each name that it has.
    pub folders: Vec<String>,
}

impl PolicyPlace {
    /// A container's id as the policy's globs see it. The file of one outside of the policy's folder
    /// stays as it is named.
    ///
    /// ```
    /// use dropcap_audit::PolicyPlace;
    /// let place = PolicyPlace { here: "/p/sub".to_owned(), folders: vec!["/p".to_owned()] };
    /// assert_eq!(place.id("compose.yaml#web"), "sub/compose.yaml#web");
    /// assert_eq!(place.id("../compose.yaml#web"), "compose.yaml#web");
    /// assert_eq!(place.id("/p/other/compose.yaml#web"), "other/compose.yaml#web");
    /// assert_eq!(place.id("/elsewhere/compose.yaml#web"), "/elsewhere/compose.yaml#web");
    /// ```
    #[must_use]
    pub fn id(&self, id: &str) -> String {
        let (file, subject) = id.rsplit_once('#').map_or((id, None), |(file, it)| (file, Some(it)));
        let whole = if file.starts_with('/') { file } else { &format!("{}/{file}", self.here) };
        let whole = components(whole);
        let inside = self.folders.iter().filter_map(|folder| {
            let rest = whole.strip_prefix(components(folder).as_slice())?;
            (!rest.is_empty()).then_some(rest)
        });
        // The name of the folder that says the most of the file's is the one that it was found by.
        let inside = inside.min_by_key(|rest| rest.len()).map(|rest| rest.join("/"));
        match (inside, subject) {
            (None, _) => id.to_owned(),
            (Some(file), None) => file,
            (Some(file), Some(subject)) => format!("{file}#{subject}"),
        }
    }
}

/// The names on the way from `/`.
fn components(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names
}
