use super::edits_of_each;
use crate::{Edit, EditError, Wanted, apply_all_and_verify, apply_and_verify, parses, read};
use std::collections::HashMap;

fn drops(words: &[&str]) -> Wanted {
    let words = words.iter().map(|word| (*word).to_owned());
    Wanted { cap_drop: Some(words.collect()), ..Wanted::default() }
}

fn pods(count: usize) -> String {
    let pod = |number| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{number}}}\nspec:\n  containers:\n  - name: c\n    \
             image: x\n---\n"
        )
    };
    (0..count).map(pod).collect()
}

fn services(count: usize) -> String {
    let service = |number| format!("  s{number}:\n    <<: *x\n    image: x\n");
    let services: String = (0..count).map(service).collect();
    format!("x: &x {{restart: always}}\nservices:\n{services}")
}

fn commands(count: usize) -> String {
    (0..count).map(|number| format!("docker run x{number}\n")).collect()
}

/// However many containers a file has, it is parsed as often.
#[test]
fn a_file_is_not_parsed_for_each_of_its_containers() {
    type Make = fn(usize) -> String;
    let files: [(&str, Make); 3] =
        [("pods.yaml", pods), ("compose.yaml", services), ("run.sh", commands)];
    let wanted = [drops(&["ALL"]), drops(&["KILL"])];
    for (path, make) in files {
        let parses = |count: usize| {
            let text = make(count);
            let document = read(path, text.as_bytes());
            assert_eq!(document.containers.len(), count);
            let ids = || document.containers.iter().map(|container| container.id.as_str());
            let wishes: Vec<_> =
                wanted.iter().flat_map(|wanted| ids().map(move |id| (id, wanted))).collect();
            let each = parses::of(|| {
                let edits = edits_of_each(path, text.as_bytes(), &wishes);
                assert_eq!(edits.len(), wishes.len());
                assert!(edits.values().all(|edits| edits.as_ref().is_ok_and(|it| it.len() == 1)));
            });
            let all = parses::of(|| {
                let edited = apply_all_and_verify(path, text.as_bytes(), &wishes[..count]);
                assert_eq!(edited.map(|edited| edited.edits.len()), Ok(count));
            });
            (each, all)
        };
        assert_eq!(parses(30), parses(3), "{path}");
    }
}

/// One edit must not hide what another one does, wherever containers have something in common.
#[test]
fn each_edit_is_as_if_it_were_the_only_one() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - &c {name: c, image: x}\n  \
               - {<<: *c, name: d}\n  - name: e\n    securityContext: &s\n      capabilities: {add: [KILL]}\n  - \
               {name: f, securityContext: *s}\n";
    let list = "apiVersion: v1\nkind: List\nitems:\n- &a {kind: Pod, apiVersion: v1, metadata: {name: p}, spec: \
                {containers: [{name: c}, {name: d}]}}\n- *a\n";
    for (path, text) in [
        ("compose.yaml", "services:\n  a: &a\n    image: x\n  b:\n    <<: *a\n  c: {image: y}\n"),
        (
            "compose.yaml",
            "services:\n  a: {image: x, cap_drop: [KILL]}\n  b: {extends: a}\n  c: {extends: {service: b}}\n",
        ),
        (
            "compose.yaml",
            "services:\n  a: {cap_drop: &d [KILL]}\n  b: {cap_drop: *d}\n  c: *missing\n",
        ),
        (
            "compose.yaml",
            "services:\n  a: {image: x}\n  b: &b {}\n  c: *b\n---\nservices:\n  a: {cap_drop: [KILL]}\n",
        ),
        (
            "compose.yaml",
            "\u{feff}services:\r\n  a: {image: x}\r\n  b: {image: y, cap_drop: [\"KILL\"]}\r\n",
        ),
        ("compose.yaml", "x: &x\n  a: {image: x}\nservices: *x\n"),
        ("pod.yaml", pod),
        ("pod.yaml", list),
        (
            "run.sh",
            "F='--cap-drop KILL'\ndocker run $F a; docker run $F b\nif x; then podman run c; fi\n",
        ),
        ("README.md", "```\ndocker run a\n```\n\n> ```\n> docker run \\\n>   b\n> ```\n"),
        ("Dockerfile", "FROM x\n"),
    ] {
        let document = read(path, text.as_bytes());
        let ids = document.containers.iter().map(|container| container.id.as_str());
        let ids: Vec<&str> = ids.chain(["nobody"]).collect();
        let wanted = [drops(&["ALL"]), drops(&["KILL"]), drops(&["KILL"]), Wanted::default()];
        let wishes: Vec<_> =
            wanted.iter().flat_map(|wanted| ids.iter().map(move |id| (*id, wanted))).collect();
        let alone: HashMap<_, Result<Vec<Edit>, EditError>> = wishes
            .iter()
            .map(|wish| {
                let edited = apply_and_verify(path, text.as_bytes(), wish.0, wish.1);
                (*wish, edited.map(|edited| edited.edits))
            })
            .collect();
        assert_eq!(edits_of_each(path, text.as_bytes(), &wishes), alone, "{text}");
    }
}
