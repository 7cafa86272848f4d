//! Each rule's page shows an example that fires and one that is mended: both are taken at their word.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dropcap_audit::{Audited, Finding, Input, Options, RULES, ReadImage, Rule, audit};
use dropcap_capability::{
    CapabilitySet, Executable, FileCapabilities, Revision, parse_capabilities,
};
use dropcap_image::Image;
use dropcap_manifest::{Document, join, read};
use dropcap_policy::{Date, Policy};

/// The files in the code blocks of a page's section: the name stands behind the language.
fn files<'a>(page: &'a str, section: &str) -> Vec<(&'a str, &'a str)> {
    let body = page.split(&format!("## {section}\n")).nth(1).unwrap();
    let body = body.split("\n## ").next().unwrap();
    let blocks = body.split("```").skip(1).step_by(2);
    blocks
        .map(|block| {
            let (head, text) = block.split_once('\n').unwrap();
            (head.split_once(' ').unwrap().1, text)
        })
        .collect()
}

/// Lines of `MODE UID GID PATH`, and file capabilities as `NAME=ep` behind it.
fn rootfs(text: &str) -> Image {
    let executables = text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        Executable {
            mode: u32::from_str_radix(words[0], 8).unwrap(),
            uid: words[1].parse().ok(),
            gid: words[2].parse().ok(),
            file_capabilities: words.get(4).map(|text| FileCapabilities {
                permitted: parse_capabilities(text.strip_suffix("=ep").unwrap()).unwrap(),
                inheritable: CapabilitySet::EMPTY,
                effective: true,
                revision: Revision::Two,
            }),
            ..Executable::plain(words[3])
        }
    });
    Image { executables: executables.collect(), ..Image::default() }
}

fn audited(files: &[(&str, &str)]) -> Audited {
    let mut input = Input::default();
    let mut documents: Vec<Document> = Vec::new();
    for (path, text) in files {
        if *path == "rootfs" {
            input.images.push(ReadImage { reference: None, image: rootfs(text) });
            continue;
        }
        if *path == "dropcap.toml" {
            input.policy = Some(Policy::parse(text).unwrap());
            continue;
        }
        let document = read(path, text.as_bytes());
        assert!(document.errors.is_empty(), "{path}: {:?}", document.errors);
        documents.push(document);
        input.sources.insert((*path).to_owned(), text.as_bytes().to_vec());
    }
    input.containers = join(&mut documents);
    input.documents = documents;
    let today = Date { year: 2026, month: 11, day: 22 };
    audit(&input, &Options { today, edits: false, ..Options::default() })
}

fn of<'a>(rule: &Rule, audited: &'a Audited) -> Vec<&'a Finding> {
    audited.findings.iter().filter(|finding| finding.rule == rule.name).collect()
}

#[test]
fn the_example_of_each_page_fires_and_the_mended_one_does_not() {
    for rule in RULES {
        let before = audited(&files(rule.page, "Fires"));
        let found = of(rule, &before);
        assert!(!found.is_empty(), "{}: the example does not fire", rule.name);
        for finding in &found {
            assert!(finding.line > 0 && finding.column > 0, "{finding:?}");
            assert!(!finding.message.is_empty() && !finding.help.is_empty(), "{finding:?}");
            assert!(finding.end_line >= finding.line, "{finding:?}");
        }
        let after = audited(&files(rule.page, "Fixed"));
        let left = of(rule, &after);
        assert!(left.is_empty(), "{}: the mended example fires: {left:?}", rule.name);
    }
}

#[test]
fn what_each_page_shows_is_said_in_these_words() {
    let mut lines = Vec::new();
    for rule in RULES {
        let before = audited(&files(rule.page, "Fires"));
        for finding in of(rule, &before) {
            let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
            lines
                .push(format!("{place}: {}[{}]: {}", finding.level, finding.rule, finding.message));
            lines.push(format!("  help: {}", finding.help));
            if let Some(fix) = &finding.fix {
                lines.push(format!("  fix, {:?}, {:?}: {}", fix.tier, fix.because, fix.does));
                lines.extend(fix.notes.iter().map(|note| format!("    {note}")));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}
