//! A short run of the fuzz targets, the same each time: broken and mutated files.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod harness;

use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

const SEEDS: [&str; 7] = [
    "x: &x {cap_drop: [ALL], user: '1'}\nservices:\n  a:\n    <<: *x\n    image: \"i:${T:-1}\" # c\n    cap_add:\n      - CHOWN\n      - 'KILL'\n    security_opt: [a:b]\n    volumes: ['./a:/b:ro', {type: bind, source: /x, target: /y}]\n    command: sh -c \"x y\"\n  b: {image: z, extends: a, privileged: true}\n---\nservices: {a: {user: ü}}\n",
    "# escape=`\nARG A=1\nFROM a:${A} AS x\nUSER $U\nONBUILD USER y\nRUN <<E\nUSER z\nE\nFROM x\nENV P=q R=\"s t\"\nCOPY --from=0 a b /c/\nVOLUME [\"/v\"]\nENTRYPOINT [\"/e\", \"f\"]\nCMD g `\n h\n",
    "#!/bin/bash\nset -e\nARGS=(--cap-drop ALL \"--user=$U\")\nI=a/b:1\nsudo docker run -it \\\n  --cap-add=KILL -v /a:/b \\\n  \"${ARGS[@]}\" \"$I\" sh -c 'x' || true\nexec capsh --drop=cap_kill,cap_chown -- -c \"gosu a\"\nif ! setpriv --bounding-set -all x; then exit 1; fi\ndocker build -t $I -f D . && podman create --privileged ü\n",
    "# T\n\n> ```console\n> $ docker run \\\n> >  --cap-add A x\n> out\n> ```\n\n1. a\n\n   ```sh\n   docker run --cap-drop B y\n   ```\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\nspec:\n  securityContext: {runAsUser: 1, fsGroup: 2, sysctls: [{name: a, value: b}]}\n  volumes:\n  - {name: v, hostPath: {path: /x}}\n  initContainers:\n  - {name: i, image: y, restartPolicy: Always}\n  containers:\n  - name: c # ü\n    image: x\n    securityContext: &s\n      privileged: true\n      capabilities:\n        drop: [KILL]\n        add:\n        - CHOWN\n        - 'NET_RAW'\n    env: [{name: A, value: b}, {name: B, valueFrom: {}}]\n    volumeMounts: [{name: v, mountPath: /y, subPath: z}]\n  - {name: d, image: z, securityContext: *s}\n",
    "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": [\n    {\"apiVersion\": \"batch/v1\", \"kind\": \"CronJob\", \"metadata\": {\"generateName\": \"j\"},\n     \"spec\": {\"jobTemplate\": {\"spec\": {\"template\": {\"spec\": {\"containers\": [\n       {\"name\": \"c\", \"image\": \"x\", \"args\": [\"a\"],\n        \"securityContext\": {\"capabilities\": {\"add\": [\"KILL\"]}}}]}}}}}}\n  ]\n}\n",
    "\u{feff}services:\r\n  a:\r\n    image: x\r\n    cap_drop:\r\n    - A # c\r\n    - B\r\n",
];

const SPLICES: [&str; 28] = [
    "\n",
    "\r\n",
    "\t",
    "  ",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: *x",
    "!override ",
    "|\n  x\n",
    "#",
    "\"",
    "'",
    "\\",
    "$",
    "${",
    "}",
    "$(",
    "<<E\n",
    "`",
    "```\n",
    "ü",
    "\u{feff}",
];

/// A runner that draws the same each time, so that a failure is one for everybody. `SOAK=N` makes
/// it N times as long.
fn runner(cases: u32) -> TestRunner {
    let soak = std::env::var("SOAK").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let cases = cases * soak;
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// The nearest character boundary at or before a fraction of the text.
fn place(text: &str, fraction: f64) -> usize {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a fraction of a length"
    )]
    let mut at = (text.len() as f64 * fraction) as usize;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[test]
fn mutated_files() {
    let splice = (0.0..=1.0_f64, 0.0..0.1_f64, prop::sample::select(SPLICES.to_vec()));
    let strategy = (prop::sample::select(SEEDS.to_vec()), prop::collection::vec(splice, 1..6));
    runner(400)
        .run(&strategy, |(seed, splices)| {
            let mut text = seed.to_owned();
            for (at, length, with) in splices {
                let start = place(&text, at);
                let end = place(&text, (at + length).min(1.0)).max(start);
                text.replace_range(start..end, with);
            }
            harness::exercise(text.as_bytes());
            Ok(())
        })
        .unwrap();
}

#[test]
fn arbitrary_text_and_bytes() {
    runner(200)
        .run(&"(docker run |services:\n|FROM |```sh\n)?\\PC{0,200}", |text| {
            harness::exercise(text.as_bytes());
            Ok(())
        })
        .unwrap();
    runner(200)
        .run(&prop::collection::vec(any::<u8>(), 0..300), |bytes| {
            harness::exercise(&bytes);
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_seeds_themselves_are_read_and_edited() {
    for seed in SEEDS {
        harness::exercise(seed.as_bytes());
        harness::exercise(seed.replace('\n', "\r\n").as_bytes());
    }
    let found: usize = SEEDS
        .iter()
        .zip([0, 1, 2, 3, 4, 4, 0])
        .map(|(seed, format)| {
            harness::read_checked(harness::FORMATS[format], seed.as_bytes()).containers.len()
        })
        .sum();
    assert_eq!(found, 2 + 1 + 2 + 2 + 3 + 1 + 1);
}
