//! A JSON object of which a few members are read or changed, and all else stays byte for byte.
//!
//! What passes through here belongs to an engine and to a runtime, which know members that dropcap
//! does not. So nothing is parsed that is not asked for, and numbers are not even read.
//!
//! The runtimes read with Go's `encoding/json`, which takes a member's name in any case, Unicode's included (`ſ` is an
//! s, the Kelvin sign a k), and, of two, the later (or both, merged). A document in which a member that is asked for could mean two things
//! is refused: what dropcap reads must be what the runtime reads.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not the JSON that was expected.
    #[error("{what} is not what it should be")]
    Json {
        /// Which part.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A member is there twice, or in another case as well.
    #[error("`{0}` is there more than once, or in another case: which counts is not certain")]
    Ambiguous(String),
    /// A rule of `seccomp` speaks of a call by a name that none can have.
    #[error("no system call is called `{}`", .0.escape_debug())]
    NoCall(String),
    /// The runtime would take a seccomp filter from elsewhere.
    #[error(
        "the annotation `{0}` brings a seccomp filter of its own, and the policy closes user namespaces by `linux.seccomp`"
    )]
    OtherFilter(&'static str),
}

/// A JSON object's members in their order.
#[derive(Debug, Clone, Default)]
pub struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// Reads an object; `what` names it in errors.
    ///
    /// # Errors
    /// Text that is no JSON object.
    pub fn parse(text: &str, what: &str) -> Result<Self, DocumentError> {
        json(text, what)
    }

    /// The member of this name, as text.
    ///
    /// # Errors
    /// [`DocumentError::Ambiguous`].
    pub fn get(&self, name: &str) -> Result<Option<&str>, DocumentError> {
        let mut named = self.0.iter().filter(|(key, _)| is_called(key, name));
        match (named.next(), named.next()) {
            (None, _) => Ok(None),
            (Some((key, value)), None) if key == name => {
                Ok(Some(value.get()).filter(|text| *text != "null"))
            }
            _ => Err(DocumentError::Ambiguous(name.to_owned())),
        }
    }

    /// The member of this name, read.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn read<T: for<'de> Deserialize<'de>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, DocumentError> {
        self.get(name)?.map(|text| json(text, &format!("`{name}`"))).transpose()
    }

    /// Sets a member in its place, or at the end.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn set(&mut self, name: &str, value: &impl Serialize) -> Result<(), DocumentError> {
        self.get(name)?;
        let raw = serde_json::value::to_raw_value(value)
            .map_err(|source| DocumentError::Json { what: format!("`{name}`"), source })?;
        match self.0.iter_mut().find(|(key, _)| key == name) {
            Some((_, value)) => *value = raw,
            None => self.0.push((name.to_owned(), raw)),
        }
        Ok(())
    }

    /// Takes a member away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| !is_called(key, name));
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The object as people write it: a line for each member.
    pub fn to_lines(&self) -> String {
        let key = |key: &str| serde_json::Value::from(key).to_string();
        let line = |(name, value): &(String, Box<RawValue>)| format!("    {}: {value}", key(name));
        let lines: Vec<String> = self.0.iter().map(line).collect();
        if lines.is_empty() {
            "{}\n".to_owned()
        } else {
            format!("{{\n{}\n}}\n", lines.join(",\n"))
        }
    }

    /// The object as JSON text.
    ///
    /// # Errors
    /// Never for what was read.
    pub fn to_text(&self) -> Result<String, DocumentError> {
        serde_json::to_string(self)
            .map_err(|source| DocumentError::Json { what: "the document".to_owned(), source })
    }
}

/// Whether Go takes `key` for the member `name`, which is ASCII (`foldName` of `encoding/json/fold.go`).
fn is_called(key: &str, name: &str) -> bool {
    let fold = |letter| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    match key.is_ascii() {
        true => key.eq_ignore_ascii_case(name),
        false => key.chars().map(fold).eq(name.chars().map(fold)),
    }
}

/// Reads JSON; `what` names it in errors.
pub(crate) fn json<T: for<'de> Deserialize<'de>>(
    text: &str,
    what: &str,
) -> Result<T, DocumentError> {
    serde_json::from_str(text)
        .map_err(|source| DocumentError::Json { what: what.to_owned(), source })
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                /// No object of a configuration comes near it.
                const MOST: usize = 1 << 16;
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MOST {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;

    #[test]
    fn what_is_not_asked_for_stays_byte_for_byte() {
        let text = r#"{"z":1.0e400,"a":{"B":[ 1 ]},"process":{"x":18446744073709551616},"é":null}"#;
        let mut object = Object::parse(text, "a test").unwrap();
        assert_eq!(object.to_text().unwrap(), text);
        object.set("process", &1).unwrap();
        object.set("new", &true).unwrap();
        let changed = r#"{"z":1.0e400,"a":{"B":[ 1 ]},"process":1,"é":null,"new":true}"#;
        assert_eq!(object.to_text().unwrap(), changed);
    }

    #[test]
    fn a_member_that_could_mean_two_things_is_refused() {
        for text in [
            r#"{"process":{},"Process":{}}"#,
            r#"{"process":1,"process":2}"#,
            r#"{"PROCESS":1}"#,
            r#"{"proc\u0065ss":1,"process":2}"#,
            r#"{"proceſs":1}"#,
            r#"{"process":1,"PROCEſS":2}"#,
        ] {
            let mut object = Object::parse(text, "a test").unwrap();
            assert!(matches!(object.get("process"), Err(DocumentError::Ambiguous(_))), "{text}");
            assert!(object.set("process", &1).is_err(), "{text}");
        }
        assert!(Object::parse("[]", "a test").is_err());
        assert!(Object::parse("{} {}", "a test").is_err());
    }
}
