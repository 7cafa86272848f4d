//! What a process can come to hold: the model's answer, before it is started.

use crate::capabilities::Sets;
use crate::decide::Decision;
use crate::document::Object;
use crate::error::Error;
use dropcap_capability::{Environment, Ids};
use dropcap_confine::stays_within;

/// Whether a process that starts from this document cannot come to hold more than is decided, whatever files it finds.
///
/// # Errors
/// It can, by the way that the model found; or it is no process.
pub(crate) fn judge(process: &Object, decision: &Decision) -> Result<(), Error> {
    let (sets, _) = Sets::of_process(process)?;
    let user = process.read::<Object>("user")?.unwrap_or_default();
    let ids = |name| user.read::<u32>(name).map(|id| Ids::all(id.unwrap_or_default()));
    let mut start = sets.held(ids("uid")?, ids("gid")?);
    start.no_new_privs = process.read("noNewPrivileges")?.unwrap_or_default();
    let Decision { allowed, close_user_namespaces, .. } = decision;
    let environment = Environment::default();
    Ok(stays_within(&start, *allowed, *close_user_namespaces, &environment)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
    use super::*;
    use serde_json::json;

    #[test]
    fn what_leads_beyond_is_told_with_its_way() {
        let decision = Decision {
            allowed: "KILL".parse().unwrap(),
            no_new_privileges: false,
            close_user_namespaces: true,
            observe: false,
            why: "a test".to_owned(),
        };
        let judged = |set: &str, member: &str, no_new_privileges: bool| {
            let process = json!({"user": {"uid": 1000, "gid": 1000},
                "noNewPrivileges": no_new_privileges, "capabilities": {member: [set]}});
            judge(&Object::parse(&process.to_string(), "a test").unwrap(), &decision)
        };
        for no_new_privileges in [false, true] {
            assert!(judged("CAP_KILL", "bounding", no_new_privileges).is_ok());
            assert!(judged("CAP_SYS_ADMIN", "permitted", no_new_privileges).is_err());
        }
        // What is in the bounding set alone is reached by a file.
        let error = judged("CAP_SYS_ADMIN", "bounding", false).unwrap_err().chain();
        assert!(error.contains("CAP_SYS_ADMIN") && error.contains("setuid-root"), "{error}");
        assert!(judged("CAP_SYS_ADMIN", "bounding", true).is_ok());
    }
}
