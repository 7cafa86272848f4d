//! How to start an image that only a Dockerfile tells of.

use super::Plan;
use crate::sets::as_written;
use std::fmt::Write;

/// The `docker run` line and the Compose lines that start it as planned. A Dockerfile itself has no
/// word for capabilities: whoever starts the image decides.
pub(crate) fn start_lines(plan: &Plan, engine: &str) -> String {
    let keep = as_written(plan.keep);
    if engine == "containerd" {
        return in_pod(plan, &keep);
    }
    let mut flags = "--cap-drop ALL".to_owned();
    let mut compose = "cap_drop: [ALL]".to_owned();
    for capability in &keep {
        let _ = write!(flags, " --cap-add {capability}");
    }
    if !keep.is_empty() {
        let _ = write!(compose, ", cap_add: [{}]", keep.join(", "));
    }
    if plan.no_new_privileges {
        flags.push_str(" --security-opt no-new-privileges:true");
        compose.push_str(", security_opt: [no-new-privileges:true]");
    }
    for (name, value) in &plan.sysctls {
        let _ = write!(flags, " --sysctl {name}={value}");
        let _ = write!(compose, ", sysctls: {{{name}: {value}}}");
    }
    format!(
        "a Dockerfile cannot drop capabilities, whoever starts the image does: \
         `{engine} run {flags} IMAGE`, or in Compose `{compose}`"
    )
}

/// What a pod says instead.
fn in_pod(plan: &Plan, keep: &[String]) -> String {
    let context = security_context(plan, keep);
    let sysctls = pod_sysctls(plan);
    format!(
        "a Dockerfile cannot drop capabilities, the pod does: {context} of its container{sysctls}"
    )
}

/// What the container of a pod has to say.
pub(crate) fn in_container(plan: &Plan) -> String {
    format!("set {} in it{}", security_context(plan, &as_written(plan.keep)), pod_sysctls(plan))
}

/// In the spelling that containerd takes: without `CAP_`.
fn security_context(plan: &Plan, keep: &[String]) -> String {
    let mut context = "capabilities: {drop: [ALL]".to_owned();
    if !keep.is_empty() {
        let _ = write!(context, ", add: [{}]", keep.join(", "));
    }
    context.push('}');
    if plan.no_new_privileges {
        context.push_str(", allowPrivilegeEscalation: false");
    }
    format!("`securityContext: {{{context}}}`")
}

fn pod_sysctls(plan: &Plan) -> String {
    let mut sysctls = String::new();
    for (name, value) in &plan.sysctls {
        let _ = write!(
            sysctls,
            ", and `sysctls: [{{name: {name}, value: \"{value}\"}}]` in that of the pod"
        );
    }
    sysctls
}
