//! Arbitrary files: reading one never panics or hangs, every place lies in it, and a fix that is
//! given means what was wanted and changes nothing the second time.
#![no_main]

use dropcap_manifest::{Wanted, apply, apply_and_verify, line_column, read};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 5] = ["compose.yaml", "Dockerfile", "run.sh", "README.md", "pod.yaml"];

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    let name = NAMES[usize::from(*kind) % NAMES.len()];
    let document = read(name, bytes);
    for error in &document.errors {
        assert!(error.line >= 1 && error.column >= 1, "{error}");
    }
    let is_pod = name == "pod.yaml";
    let option = (!is_pod).then(|| "no-new-privileges:true".to_owned());
    let wanted = Wanted {
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(Vec::new()),
        add_security_opt: option.into_iter().collect(),
        no_privilege_escalation: is_pod,
        unprivileged: true,
        ..Wanted::default()
    };
    for container in &document.containers {
        assert!(container.span.end <= bytes.len(), "{container:?}");
        let _ = line_column(bytes, container.span.start);
        let Ok(edited) = apply_and_verify(name, bytes, &container.id, &wanted) else { continue };
        assert_eq!(apply(bytes, &edited.edits), edited.bytes);
        let again = apply_and_verify(name, &edited.bytes, &container.id, &wanted);
        assert_eq!(again.map(|again| again.edits), Ok(Vec::new()), "a second run changes nothing");
    }
});
