//! The model against the running kernel, as root: 20,000 cases without a difference.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::{Command, Output};

/// Fixed, so that every run of the tests draws the same cases; `make soak` draws new ones.
const SEED: &str = "1";

fn differential(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dropcap-differential")).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// Fails where it is not run by a root that may do everything, and says so: a skipped comparison
/// would be taken for a passed one.
#[test]
fn the_model_agrees_with_the_kernel() {
    let output = differential(&["--seed", SEED, "--cases", "20000"]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("20000 cases") && last.contains(" 0 differences"), "{text}");
}

/// What stands in a report as the line that repeats a case does repeat it.
#[test]
fn a_seed_repeats_its_case() {
    let case = |seed: &str| {
        let output = differential(&["--show", "--seed", seed, "--cases", "1"]);
        assert!(output.status.success(), "{}", text(&output));
        text(&output).split("\n\n").next().unwrap().to_owned()
    };
    let both = differential(&["--show", "--seed", "77", "--cases", "2", "--jobs", "1"]);
    let both = text(&both);
    for seed in ["77", "78"] {
        let case = case(seed);
        assert!(case.starts_with(&format!("seed {seed}, ")), "{case}");
        assert!(both.contains(&case), "{case}\nis not in\n{both}");
    }
}
