//! How long it takes to read a thousand manifests of one to two kilobytes each, on one thread.
//!
//! `cargo bench -p dropcap-manifest`

use dropcap_manifest::{Document, join, read};

fn main() {
    divan::main();
}

fn compose(number: usize) -> (String, String) {
    let mut text =
        "x-defaults: &defaults\n  restart: unless-stopped\n  cap_drop: [ALL]\nservices:\n"
            .to_owned();
    for service in ["web", "agent", "database", "cache"] {
        text += &format!(
            "  {service}:\n    <<: *defaults\n    image: \"example/{service}:${{TAG:-1.{number}}}\"\n    user: \"1000:1000\"\n    \
             environment:\n      - NAME={service}\n      - LEVEL=info # {number}\n    ports: [\"80{number}:80\"]\n    \
             volumes:\n      - ./data/{service}:/data:ro\n    cap_add:\n      - NET_BIND_SERVICE\n    security_opt:\n      \
             - no-new-privileges:true\n    healthcheck: {{test: [\"CMD\", \"true\"], interval: 30s}}\n"
        );
    }
    (format!("p{number}/compose.yaml"), text)
}

fn dockerfile(number: usize) -> (String, String) {
    let mut text = "FROM debian:12 AS build\nARG VERSION=1\nWORKDIR /src\nCOPY . .\n".to_owned();
    for step in 0..12 {
        text += &format!(
            "RUN apt-get update \\\n    && apt-get install -y --no-install-recommends package-{number}-{step} \\\n    && rm -rf /var/lib/apt/lists/*\n"
        );
    }
    text += "FROM debian:12-slim\nCOPY --from=build /src/app /usr/local/bin/app\nUSER root\nENV HOME=/home/app\nUSER app\nENTRYPOINT [\"/usr/local/bin/app\"]\nCMD [\"serve\"]\n";
    (format!("p{number}/Dockerfile"), text)
}

fn thousand() -> Vec<(String, String)> {
    (0..500).flat_map(|number| [compose(number), dockerfile(number)]).collect()
}

#[divan::bench]
fn thousand_compose_files_and_dockerfiles(bencher: divan::Bencher<'_, '_>) {
    let files = thousand();
    bencher.bench(|| {
        let mut documents: Vec<Document> =
            files.iter().map(|(path, text)| read(path, text.as_bytes())).collect();
        join(&mut documents)
    });
}

#[divan::bench]
fn hundred_scripts(bencher: divan::Bencher<'_, '_>) {
    let script = "#!/bin/bash\nset -euo pipefail\nIMAGE=example/agent\nARGS=(--cap-drop ALL)\nif true; then\n  docker run --rm -it \\\n    \"${ARGS[@]}\" --name agent -v \"$PWD:/work\" \\\n    \"$IMAGE\" serve\nfi\n".repeat(3);
    bencher.bench(|| {
        (0..100).map(|_| read("run.sh", script.as_bytes()).containers.len()).sum::<usize>()
    });
}
