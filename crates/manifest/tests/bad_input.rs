//! Files that are broken, enormous or made to harm: a clear error with its place, and no panic.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::{Duration, Instant};

use dropcap_manifest::{
    Document, Format, ReadError, Wanted, apply_and_verify, classify, classify_head, join,
    needs_head, read, read_as,
};

const FORMATS: [Format; 4] = [Format::Compose, Format::Dockerfile, Format::Shell, Format::Markdown];

/// A bound against quadratic work, far above what any of these files needs.
const PATIENCE: Duration = Duration::from_secs(20);

fn quickly(format: Format, text: &str) -> Document {
    let began = Instant::now();
    let document = read_as(format, "file", text.as_bytes());
    assert!(
        began.elapsed() < PATIENCE,
        "{:?} for {:?}...",
        began.elapsed(),
        &text[..40.min(text.len())]
    );
    document
}

fn only_error(document: &Document) -> &ReadError {
    let [error] = document.errors.as_slice() else { panic!("{:?}", document.errors) };
    error
}

#[test]
fn a_hundred_megabytes() {
    let bytes = vec![b'a'; 100 * 1024 * 1024];
    for format in FORMATS {
        let document = read_as(format, "file", &bytes);
        assert_eq!(
            only_error(&document).to_string(),
            "line 1, column 1: 100 MB is more than is read of one file (10 MB)"
        );
        assert_eq!(document.containers, []);
    }
}

#[test]
fn binary_and_not_utf8() {
    for format in FORMATS {
        let document = read_as(format, "file", b"services:\n  a\0b: c\n");
        assert_eq!(
            only_error(&document).to_string(),
            "line 2, column 4: a binary file, not text: it holds a zero byte"
        );
        let document =
            read_as(format, "file", "services:\n  ü: \n".replace('ü', "ü\u{1}").as_bytes());
        assert!(document.errors.iter().all(|error| error.line >= 1));
        let document = read_as(format, "file", b"# \xc3\xbc\nservices: \xff\n");
        assert_eq!(
            only_error(&document).to_string(),
            "line 2, column 11: not UTF-8: the byte 0xff"
        );
    }
}

#[test]
fn ten_thousand_levels_of_yaml() {
    for (open, close) in
        [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("[{a: ", "}]"), ("a: [", "]")]
    {
        let text = format!("{}x{}", open.repeat(10_000), close.repeat(10_000));
        let document = quickly(Format::Compose, &text);
        let error = only_error(&document);
        assert!(error.line == 1 && error.column > 1, "{error}");
    }
    let deep: String = (0..3_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let document = quickly(Format::Compose, &deep);
    assert_eq!(
        only_error(&document).to_string(),
        "line 201, column 201: nested deeper than 200 levels"
    );
    // Just as deep as is read.
    let text =
        format!("x: {}y{}\nservices: {{a: {{image: b}}}}\n", "[".repeat(190), "]".repeat(190));
    assert_eq!(quickly(Format::Compose, &text).containers.len(), 1);
}

#[test]
fn alias_bombs_and_circles() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [previous.as_str(); 10].join(", "));
    }
    bomb += "services: {a: {cap_add: *a11}}\n";
    let document = quickly(Format::Compose, &bomb);
    let error = only_error(&document);
    assert_eq!(error.line, 6);
    assert_eq!(error.message, "the aliases up to here stand for more than 1000000 values");

    // The same by merge keys.
    let mut bomb = "a0: &a0 {x: y}\n".to_owned();
    for level in 1..40 {
        let previous = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} {{<<: [{previous}, {previous}]}}\n");
    }
    bomb += "services: {a: {<<: *a39}}\n";
    assert!(only_error(&quickly(Format::Compose, &bomb)).message.contains("stand for more than"));

    let document = quickly(Format::Compose, "services:\n  a: &a\n    x: *a\n");
    assert_eq!(
        only_error(&document).to_string(),
        "line 3, column 8: this alias stands for something that it lies in itself"
    );
    let document = quickly(Format::Compose, "services:\n  a: *nowhere\n");
    assert_eq!(only_error(&document).line, 2);
}

#[test]
fn much_of_everything() {
    let cases = [
        (
            Format::Compose,
            format!(
                "services:\n{}",
                (0..10_000).map(|n| format!("  s{n}: {{image: x}}\n")).collect::<String>()
            ),
        ),
        (Format::Compose, format!("services:\n  a:\n    cap_add: [{}]\n", "KILL, ".repeat(40_000))),
        (
            Format::Compose,
            format!(
                "services:\n  b: {{cap_add: [{}]}}\n{}",
                (0..10_000).map(|n| format!("c{n}, ")).collect::<String>(),
                (0..4_000).map(|n| format!("  s{n}: {{extends: b}}\n")).collect::<String>()
            ),
        ),
        (
            Format::Compose,
            format!(
                "services:\n  a: {{{}}}\n",
                (0..20_000).map(|n| format!("k{n}: v, ")).collect::<String>()
            ),
        ),
        (Format::Compose, "services: {a: {cap_add: [x]}}\n---\n".repeat(4_000)),
        (Format::Compose, "[".repeat(200_000)),
        (Format::Compose, "- ".repeat(200_000)),
        (Format::Compose, ",".repeat(200_000)),
        (Format::Compose, format!("services: {{a: {{user: \"{}\"}}}}", "${".repeat(4_000))),
        (Format::Dockerfile, "FROM a AS a\nCOPY x y\n".repeat(20_000)),
        (Format::Dockerfile, format!("FROM a\n{}USER x\n", "ONBUILD ".repeat(4_000))),
        (Format::Dockerfile, format!("FROM a\nENV {}\n", "A=$A$A ".repeat(10_000))),
        (
            Format::Dockerfile,
            format!(
                "FROM a\n{}",
                (0..800).map(|n| format!("ENV A{} $A{n}$A{n}\n", n + 1)).collect::<String>()
            ),
        ),
        (Format::Shell, "docker run a\n".repeat(4_000)),
        (Format::Shell, format!("docker {}", "if a; then ".repeat(4_000))),
        (Format::Shell, format!("docker run {}", "$(".repeat(20_000))),
        (Format::Shell, format!("docker run {}", "\"$(".repeat(10_000))),
        (Format::Shell, format!("docker run {}", "(".repeat(40_000))),
        (Format::Shell, format!("docker run {}", "<<A ".repeat(2_000))),
        (Format::Shell, format!("docker run {}", "a || ".repeat(10_000))),
        (Format::Shell, format!("docker run {}", "A=1 ".repeat(10_000))),
        (
            Format::Shell,
            (0..600).map(|n| format!("A{}=\"$A{n}$A{n}\"\n", n + 1)).collect::<String>()
                + "docker run $A600\n",
        ),
        (
            Format::Shell,
            (0..300)
                .map(|n| format!("A{}=(${{A{n}[@]}} ${{A{n}[@]}})\n", n + 1))
                .collect::<String>()
                + "docker run ${A300[@]}\n",
        ),
        (Format::Markdown, format!("docker\n{}", "> ".repeat(20_000))),
        (Format::Markdown, format!("docker\n{}", "* ".repeat(10_000))),
        (Format::Markdown, format!("docker\n{}", "[".repeat(40_000))),
        (Format::Markdown, "```\ndocker run a\n```\n".repeat(2_000)),
    ];
    for (format, text) in cases {
        assert!(text.len() < 10 << 20);
        let mut documents = [quickly(format, &text)];
        let began = Instant::now();
        let _ = join(&mut documents);
        assert!(began.elapsed() < PATIENCE);
    }
}

#[test]
fn one_byte_too_many_is_said_to_be_more() {
    let error = read("compose.yaml", &vec![b'#'; (10 << 20) + 1]).errors.remove(0);
    assert_eq!(error.message, "11 MB is more than is read of one file (10 MB)");
}

#[test]
fn a_script_that_is_too_long_is_said() {
    let text = format!("docker run a\n{}", "# comment\n".repeat(200_000));
    let error = read("a.sh", text.as_bytes()).errors.remove(0);
    assert_eq!(error.message, "1954 KB of shell are more than is read of one script (1024 KB)");
}

#[test]
fn one_broken_file_leaves_the_others() {
    let files: [(&str, &[u8]); 3] = [
        ("a/compose.yaml", b"services: [\n"),
        ("b/compose.yaml", b"services: {x: {image: y}}\n"),
        ("c/Dockerfile", b"FROM a\n\xff"),
    ];
    let mut documents = files.map(|(path, bytes)| read(path, bytes));
    assert_eq!(documents.iter().filter(|document| document.errors.len() == 1).count(), 2);
    let containers = join(&mut documents);
    assert_eq!(containers.len(), 1);
    assert_eq!(containers[0].id, "b/compose.yaml#x");
}

#[test]
fn formats_are_told_by_name_and_first_line() {
    for (path, format) in [
        ("compose.yaml", Some(Format::Compose)),
        ("a/docker-compose.yml", Some(Format::Compose)),
        ("docker-compose.prod.yaml", Some(Format::Compose)),
        ("web.compose.yml", Some(Format::Compose)),
        ("COMPOSE.YAML", Some(Format::Compose)),
        ("values.yaml", Some(Format::Kubernetes)),
        ("decompose.yaml", Some(Format::Kubernetes)),
        ("pod.yml", Some(Format::Kubernetes)),
        ("Pod.JSON", Some(Format::Kubernetes)),
        ("Dockerfile", Some(Format::Dockerfile)),
        ("Dockerfile.dev", Some(Format::Dockerfile)),
        ("dev.Dockerfile", Some(Format::Dockerfile)),
        ("Containerfile", Some(Format::Dockerfile)),
        ("Dockerfile.dockerignore", None),
        ("Dockerfiles", None),
        ("dockerfile.go", None),
        ("a.sh", Some(Format::Shell)),
        ("README.md", Some(Format::Markdown)),
        ("main.rs", None),
        ("", None),
    ] {
        assert_eq!(classify(path), format, "{path}");
    }
    for (head, format) in [
        ("#!/bin/sh\n", Some(Format::Shell)),
        ("#!/usr/bin/env -S bash -e\r\n", Some(Format::Shell)),
        ("#! /bin/dash", Some(Format::Shell)),
        ("#!/usr/bin/env python3\n", None),
        ("\u{7f}ELF", None),
        ("", None),
    ] {
        assert_eq!(classify_head("bin/entrypoint", head.as_bytes()), format, "{head}");
    }
    assert!(needs_head("bin/entrypoint"));
    assert!(!needs_head("Dockerfile") && !needs_head("a.png") && !needs_head(".hidden"));
    let document = read("data.bin", b"\0\xff");
    assert_eq!(only_error(&document).line, 1);
    let error = apply_and_verify("compose.yaml", b"\xff", "compose.yaml#a", &Wanted::default())
        .unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 1: not UTF-8: the byte 0xff");
}
