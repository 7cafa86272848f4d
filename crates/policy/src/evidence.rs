//! `dropcap.evidence.json`: everything that was seen, beside the policy.

use serde_json::{Map, Value, json};

/// The file's name, beside `dropcap.toml`.
pub const EVIDENCE_NAME: &str = "dropcap.evidence.json";

/// The version of its schema.
const SCHEMA: u64 = 1;
/// So many records of one workload are kept: the oldest go.
const MOST: usize = 20;

/// A file that holds no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// It is no JSON.
    #[error("it is no JSON")]
    Json(#[from] serde_json::Error),
    /// It is of another schema.
    #[error("it is not of schema {SCHEMA}")]
    Schema,
}

/// `text`, the file or nothing, with one more record of what was seen of `workload`. What else is there
/// stays.
///
/// # Errors
/// `text` is no such file.
pub fn add_record(text: &str, workload: &str, record: Value) -> Result<String, EvidenceError> {
    let mut all: Value = match text.trim() {
        "" => json!({ "schema": SCHEMA }),
        text => serde_json::from_str(text)?,
    };
    if all.get("schema").and_then(Value::as_u64) != Some(SCHEMA) {
        return Err(EvidenceError::Schema);
    }
    let entry = |value: &mut Value, key: &str, new: Value| -> Result<(), EvidenceError> {
        let map = value.as_object_mut().ok_or(EvidenceError::Schema)?;
        map.entry(key).or_insert(new);
        Ok(())
    };
    entry(&mut all, "workloads", Value::Object(Map::new()))?;
    let workloads = &mut all["workloads"];
    entry(workloads, workload, json!([]))?;
    let records = workloads[workload].as_array_mut().ok_or(EvidenceError::Schema)?;
    records.push(record);
    let surplus = records.len().saturating_sub(MOST);
    records.drain(..surplus);
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_added_and_the_rest_stays() {
        let one = add_record("", "web", json!({"runs": 1})).expect("nothing");
        let two = add_record(&one, "db", json!({"runs": 2})).expect("its own");
        let three = add_record(&two, "web", json!({"runs": 3})).expect("its own");
        let read: Value = serde_json::from_str(&three).expect("JSON");
        assert_eq!(read["workloads"]["web"], json!([{"runs": 1}, {"runs": 3}]));
        assert_eq!(read["workloads"]["db"], json!([{"runs": 2}]));
    }

    #[test]
    fn what_is_no_evidence_is_left_alone() {
        for text in ["[]", "{}", "{\"schema\":2}", "nonsense", "{\"schema\":1,\"workloads\":[]}"] {
            assert!(add_record(text, "web", json!({})).is_err(), "{text}");
        }
    }
}
