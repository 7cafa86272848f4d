//! What must hold of every input, whatever it is: shared by the property tests and the fuzz targets.

use dropcap_manifest::{
    Container, Document, Format, Wanted, apply, apply_and_verify, edits_of_each, join, line_column,
    read_as,
};

/// All formats.
pub const FORMATS: [Format; 5] =
    [Format::Compose, Format::Dockerfile, Format::Shell, Format::Markdown, Format::Kubernetes];

/// A name by which a format is told.
pub fn name(format: Format) -> &'static str {
    match format {
        Format::Compose => "compose.yaml",
        Format::Dockerfile => "Dockerfile",
        Format::Shell => "run.sh",
        Format::Markdown => "README.md",
        Format::Kubernetes => "pod.yaml",
    }
}

/// Reads bytes, and checks that each place lies in them.
pub fn read_checked(format: Format, bytes: &[u8]) -> Document {
    let document = read_as(format, name(format), bytes);
    assert_eq!(document.length, bytes.len());
    for error in &document.errors {
        assert!(error.line >= 1 && error.column >= 1, "{error}");
        assert!(!error.message.is_empty());
    }
    let stages = document.stages.iter().map(|stage| &stage.container);
    for container in document.containers.iter().chain(stages) {
        check_places(container, bytes);
    }
    for step in &document.steps {
        check(step.span.clone(), bytes);
        step.drops.iter().for_each(|drop| check(drop.span.clone(), bytes));
    }
    document
}

fn check_places(container: &Container, bytes: &[u8]) {
    check(container.span.clone(), bytes);
    assert!(!container.span.is_empty());
    let settings = &container.settings;
    let lists =
        [&settings.cap_add, &settings.cap_drop, &settings.security_opt, &settings.group_add];
    for value in lists.into_iter().flatten() {
        check(value.span.clone(), bytes);
    }
    for value in
        [&settings.user, &settings.pid, &settings.network, &container.image].into_iter().flatten()
    {
        check(value.span.clone(), bytes);
    }
    for value in
        [&settings.run_as_group, &settings.seccomp, &settings.apparmor, &settings.proc_mount]
            .into_iter()
            .flatten()
    {
        check(value.span.clone(), bytes);
    }
    for value in [&settings.entrypoint, &settings.command].into_iter().flatten() {
        check(value.span.clone(), bytes);
    }
    settings.mounts.iter().for_each(|mount| check(mount.span.clone(), bytes));
    container.unknowns.iter().for_each(|unknown| check(unknown.span.clone(), bytes));
}

/// A place that a message can point at.
fn check(span: std::ops::Range<usize>, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("what is not UTF-8 has no container");
    assert!(span.start <= span.end, "{span:?}");
    assert!(text.get(span.clone()).is_some(), "{span:?} of {text:?}");
    let _ = line_column(bytes, span.start);
}

/// Edits each container; an edit that is given must hold what it promises, and be the same when the edits of
/// all containers are asked for at once.
pub fn edit_checked(format: Format, bytes: &[u8], wanted: &Wanted) {
    let document = read_checked(format, bytes);
    let drops = Wanted { cap_drop: wanted.cap_drop.clone(), ..Wanted::default() };
    let containers = || document.containers.iter().take(8);
    let wishes: Vec<_> = containers()
        .flat_map(|one| [(one.id.as_str(), wanted), (one.id.as_str(), &drops)])
        .collect();
    let each = edits_of_each(name(format), bytes, &wishes);
    for wish in wishes {
        let alone = apply_and_verify(name(format), bytes, wish.0, wish.1);
        assert_eq!(each[&wish], alone.map(|edited| edited.edits), "{wish:?}");
    }
    for container in containers() {
        let Ok(edited) = apply_and_verify(name(format), bytes, &container.id, wanted) else {
            continue;
        };
        assert_eq!(apply(bytes, &edited.edits), edited.bytes);
        let index = document.containers.iter().position(|other| other.id == container.id);
        let index = index.expect("it is one of them");
        let after = read_checked(format, &edited.bytes);
        assert_eq!(after.errors, []);
        assert_eq!(after.containers.len(), document.containers.len());
        let again =
            apply_and_verify(name(format), &edited.bytes, &after.containers[index].id, wanted);
        assert_eq!(again.expect("it could be edited before").edits, []);
    }
}

/// Everything at once.
pub fn exercise(bytes: &[u8]) {
    let wanted = Wanted {
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(vec!["CHOWN".to_owned()]),
        add_security_opt: vec!["no-new-privileges:true".to_owned()],
        unprivileged: true,
        ..Wanted::default()
    };
    let of_a_pod = Wanted {
        add_security_opt: Vec::new(),
        no_privilege_escalation: true,
        user: Some("1".to_owned()),
        ..wanted.clone()
    };
    let mut documents = Vec::new();
    for format in FORMATS {
        documents.push(read_checked(format, bytes));
        let wanted = if format == Format::Kubernetes { &of_a_pod } else { &wanted };
        edit_checked(format, bytes, wanted);
    }
    let _ = join(&mut documents);
}
