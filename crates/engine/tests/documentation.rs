//! `docs/engines.md` prints the table that the code goes by.

use dropcap_engine::{EngineVersion, Rule};
use dropcap_manifest::Engine;
use std::fmt::Write;
use std::path::Path;

/// Writes the tables into the page instead of comparing them.
const UPDATE: &str = "DROPCAP_UPDATE_DOCS";

fn table(engine: Engine) -> String {
    let mut text =
        "| rule | versions | what it says | where it is written | checked |\n|---|---|---|---|---|\n"
            .to_owned();
    for row in Rule::ALL.iter().map(|rule| rule.row()).filter(|row| row.engine == engine) {
        let versions = match (row.since, row.until) {
            (None, None) => "all".to_owned(),
            (Some(since), None) => format!("from {since}"),
            (None, Some(until)) => format!("before {until}"),
            (Some(since), Some(until)) => format!("from {since}, before {until}"),
        };
        let checked = row.evidence.name();
        writeln!(text, "| `{}` | {versions} | {} | {} | {checked} |", row.id, row.says, row.source)
            .expect("writing to a string");
    }
    text
}

#[test]
fn the_page_prints_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/engines.md");
    let mut page = std::fs::read_to_string(&path).expect("docs/engines.md");
    for engine in [Engine::Docker, Engine::OpenShell, Engine::Podman, Engine::Containerd] {
        let name = EngineVersion::default_for(engine).name();
        let (start, end) = (format!("<!-- table: {name} -->\n"), "<!-- end -->");
        let from = page.find(&start).unwrap_or_else(|| panic!("{start} is missing")) + start.len();
        let to = from + page[from..].find(end).expect("the table's end");
        if std::env::var_os(UPDATE).is_some() {
            page.replace_range(from..to, &table(engine));
        } else {
            assert_eq!(&page[from..to], table(engine), "run the test with {UPDATE}=1 to write it");
        }
    }
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, page).expect("writing the page");
    }
}
