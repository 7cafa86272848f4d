//! What a workload is started with, as one short name.

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
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
