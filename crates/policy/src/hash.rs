//! What a workload is started with, and what its entrypoint says, each as one short name.

use sha2::{Digest, Sha256};

/// The name of what is started: `sha256:…` over its words, which may not be mistaken for one another.
///
/// ```
/// use dropcap_policy::command_hash;
/// assert_ne!(command_hash(["a", "bc"]), command_hash(["ab", "c"]));
/// assert_eq!(command_hash(["a"]), command_hash([String::from("a")]));
/// ```
pub fn command_hash(words: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut hash = Sha256::new();
    for word in words {
        let word = word.as_ref();
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    named(hash)
}

/// The name of a text, as sha256sum(1) says it: `sha256:…`.
///
/// ```
/// use dropcap_policy::text_hash;
/// let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// assert_eq!(text_hash(b""), empty);
/// ```
pub fn text_hash(text: &[u8]) -> String {
    named(Sha256::new_with_prefix(text))
}

fn named(hash: Sha256) -> String {
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
