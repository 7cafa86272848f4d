//! Edits of command lines.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{EditError, Wanted, apply_and_verify, read};

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn drop_all(add: &[&str]) -> Wanted {
    Wanted {
        cap_drop: Some(strings(&["ALL"])),
        cap_add: Some(strings(add)),
        add_security_opt: strings(&["no-new-privileges"]),
        ..Wanted::default()
    }
}

/// Edits the first container of a file.
fn edit(path: &str, text: &str, wanted: &Wanted) -> Result<String, EditError> {
    let first = |bytes: &[u8]| read(path, bytes).containers.remove(0).id;
    let edited = apply_and_verify(path, text.as_bytes(), &first(text.as_bytes()), wanted)?;
    let again = apply_and_verify(path, &edited.bytes, &first(&edited.bytes), wanted)?;
    assert_eq!(again.edits, [], "a second edit changes nothing");
    Ok(String::from_utf8(edited.bytes).unwrap())
}

#[track_caller]
fn becomes(path: &str, before: &str, wanted: &Wanted, after: &str) {
    match edit(path, before, wanted) {
        Ok(text) => assert_eq!(text, after),
        Err(error) => panic!("{error}\n{before}"),
    }
}

#[test]
fn flags_go_behind_the_verb() {
    becomes(
        "a.sh",
        "docker run -it x y\n",
        &drop_all(&[]),
        "docker run --cap-drop=ALL --security-opt=no-new-privileges -it x y\n",
    );
    becomes(
        "a.sh",
        "cd z && sudo docker run --name n -u root x; docker run other\n",
        &drop_all(&["CHOWN"]),
        "cd z && sudo docker run --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges --name n -u root x; docker run other\n",
    );
}

#[test]
fn flags_get_lines_of_their_own_where_the_others_have_them() {
    becomes(
        "a.sh",
        "set -e\ndocker run \\\n    --name=n \\\n    x \\\n    serve\n",
        &drop_all(&[]),
        "set -e\ndocker run \\\n    --cap-drop=ALL \\\n    --security-opt=no-new-privileges \\\n    --name=n \\\n    x \\\n    serve\n",
    );
    becomes(
        "a.sh",
        "docker run -d \\\r\n\t--name n \\\r\n\tx\r\n",
        &drop_all(&[]),
        "docker run -d \\\r\n\t--cap-drop ALL \\\r\n\t--security-opt no-new-privileges \\\r\n\t--name n \\\r\n\tx\r\n",
    );
    // The lines are those of the container's own command.
    becomes(
        "a.sh",
        "docker run x sh -c '\nfoo'\n",
        &drop_all(&[]),
        "docker run --cap-drop=ALL --security-opt=no-new-privileges x sh -c '\nfoo'\n",
    );
}

#[test]
fn flags_that_are_there_are_changed_and_taken_away() {
    becomes(
        "a.sh",
        "docker run --cap-drop NET_RAW --cap-add=\"SYS_ADMIN\" --cap-add CHOWN --security-opt=seccomp=unconfined x\n",
        &Wanted { remove_security_opt: strings(&["seccomp=unconfined"]), ..drop_all(&["CHOWN"]) },
        "docker run --cap-drop ALL --cap-add CHOWN --security-opt=no-new-privileges x\n",
    );
    becomes(
        "a.sh",
        "docker run \\\n  --privileged \\\n  --cap-add SYS_ADMIN \\\n  x\n",
        &Wanted { cap_add: Some(Vec::new()), unprivileged: true, ..Wanted::default() },
        "docker run \\\n  x\n",
    );
    becomes(
        "a.sh",
        "podman run --cap-add=chown,kill,fowner --privileged x\n",
        &Wanted {
            cap_add: Some(strings(&["chown", "fowner"])),
            unprivileged: true,
            ..Wanted::default()
        },
        "podman run --cap-add=chown,fowner x\n",
    );
    becomes(
        "a.sh",
        "docker run -uroot --sysctl a.b=1 x\n",
        &Wanted {
            user: Some("1000".to_owned()),
            set_sysctls: vec![
                ("a.b".to_owned(), "2".to_owned()),
                ("c.d".to_owned(), "3".to_owned()),
            ],
            ..Wanted::default()
        },
        "docker run --sysctl c.d=3 -u1000 --sysctl a.b=2 x\n",
    );
}

#[test]
fn markdown_keeps_its_prompts_and_marks() {
    becomes(
        "README.md",
        "Text.\n\n> ```console\n> $ docker run \\\n> >   -it \\\n> >   x\n> out\n> ```\n",
        &drop_all(&[]),
        "Text.\n\n> ```console\n> $ docker run \\\n> >   --cap-drop=ALL \\\n> >   --security-opt=no-new-privileges \\\n> >   -it \\\n> >   x\n> out\n> ```\n",
    );
    becomes(
        "README.md",
        "\u{feff}1. a\r\n\r\n   ```sh\r\n   $ docker run x\r\n   ```\r\n",
        &drop_all(&[]),
        "\u{feff}1. a\r\n\r\n   ```sh\r\n   $ docker run --cap-drop=ALL --security-opt=no-new-privileges x\r\n   ```\r\n",
    );
}

#[test]
fn what_others_share_is_refused() {
    for (text, why) in [
        (
            "A=(--cap-add KILL)\ndocker run \"${A[@]}\" x\n",
            "line 1: --cap-add comes from a variable",
        ),
        ("openshell sandbox create --from x\n", "takes no flags for capabilities"),
    ] {
        let error = edit("a.sh", text, &drop_all(&[])).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    // What is in the variable may stay.
    becomes(
        "a.sh",
        "A=(--cap-drop ALL)\ndocker run \"${A[@]}\" x\n",
        &drop_all(&[]),
        "A=(--cap-drop ALL)\ndocker run --security-opt=no-new-privileges \"${A[@]}\" x\n",
    );
}
