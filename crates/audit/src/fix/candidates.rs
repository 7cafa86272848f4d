//! The capabilities that an entrypoint script shows the need of.

use dropcap_capability::{Capability, CapabilitySet};
use dropcap_manifest::{PrivilegeStep, Tool};

/// What the steps of a script need to succeed, each with the step that shows it.
///
/// A step says what is surely used, not all that is used: these are candidates, and nothing that
/// rests on them alone is safe.
pub(super) fn candidates(steps: &[PrivilegeStep]) -> Vec<(Capability, String)> {
    let mut found: Vec<(Capability, String)> = Vec::new();
    for step in steps {
        let command = step.arguments.first().map_or("", String::as_str);
        for capability in needs(step).iter() {
            if !found.iter().any(|(known, _)| *known == capability) {
                found.push((capability, format!("`{command}` in {}", step.file)));
            }
        }
    }
    found.sort_by_key(|(capability, _)| *capability);
    found
}

/// Whether a step becomes another user.
pub(crate) fn steps_down(step: &PrivilegeStep) -> bool {
    needs(step).contains(Capability::SETUID)
}

/// What one step asks of the process that makes it.
pub(super) fn needs(step: &PrivilegeStep) -> CapabilitySet {
    let switch = CapabilitySet::EMPTY.with(Capability::SETUID).with(Capability::SETGID);
    let has = |options: &[&str]| {
        step.arguments.iter().any(|word| {
            options.iter().any(|option| {
                word.strip_prefix(option)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
        })
    };
    let mut needed = match step.tool {
        Tool::Chown => CapabilitySet::from(Capability::CHOWN),
        Tool::Gosu | Tool::SuExec => switch,
        Tool::Capsh if has(&["--user", "--uid", "--gid", "--groups"]) => switch,
        Tool::Setpriv
            if has(&[
                "--reuid",
                "--regid",
                "--ruid",
                "--euid",
                "--rgid",
                "--egid",
                "--clear-groups",
                "--init-groups",
                "--groups",
            ]) =>
        {
            switch
        }
        Tool::Dropcap if has(&["--user"]) => switch,
        Tool::Capsh | Tool::Setpriv | Tool::Dropcap => CapabilitySet::EMPTY,
    };
    // prctl(2): PR_CAPBSET_DROP and securebits ask for CAP_SETPCAP.
    if !step.drops.is_empty() || step.tool == Tool::Dropcap {
        needed = needed.with(Capability::SETPCAP);
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use dropcap_manifest::Spanned;

    fn step(tool: Tool, words: &[&str], drops: &[&str]) -> PrivilegeStep {
        PrivilegeStep {
            file: "entrypoint.sh".to_owned(),
            tool,
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            drops: drops.iter().map(|drop| Spanned::new((*drop).to_owned(), 0..0)).collect(),
            no_new_privs: false,
            failure_ignored: false,
            conditional: false,
            exec: false,
            span: 0..0,
        }
    }

    fn shown(steps: &[PrivilegeStep]) -> String {
        candidates(steps).into_iter().map(|(one, _)| one).collect::<CapabilitySet>().to_string()
    }

    #[test]
    fn who_becomes_another_user_steps_down() {
        for (tool, words, expected) in [
            (Tool::Gosu, ["gosu", "app"], true),
            (Tool::Capsh, ["capsh", "--user=app"], true),
            (Tool::Dropcap, ["dropcap", "--user"], true),
            (Tool::Setpriv, ["setpriv", "--reuid=app"], true),
            (Tool::Capsh, ["capsh", "--drop=all"], false),
            (Tool::Dropcap, ["dropcap", "run"], false),
            (Tool::Setpriv, ["setpriv", "--no-new-privs"], false),
            (Tool::Chown, ["chown", "app"], false),
        ] {
            assert_eq!(steps_down(&step(tool, &words, &[])), expected, "{words:?}");
        }
    }

    #[test]
    fn each_tool_shows_what_it_needs() {
        assert_eq!(shown(&[step(Tool::Gosu, &["gosu", "app"], &[])]), "CAP_SETGID,CAP_SETUID");
        assert_eq!(shown(&[step(Tool::Chown, &["chown", "-R", "app", "/data"], &[])]), "CAP_CHOWN");
        assert_eq!(
            shown(&[step(Tool::Capsh, &["capsh", "--drop=cap_net_raw"], &["cap_net_raw"])]),
            "CAP_SETPCAP"
        );
        assert_eq!(
            shown(&[step(Tool::Setpriv, &["setpriv", "--reuid=app", "--clear-groups"], &[])]),
            "CAP_SETGID,CAP_SETUID"
        );
        assert_eq!(shown(&[step(Tool::Setpriv, &["setpriv", "--no-new-privs"], &[])]), "none");
    }
}
