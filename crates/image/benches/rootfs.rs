//! What it takes to read an image, beside `getcap -r` and `find -perm /6000` over the same root.
//!
//! What costs is the number of files, not their sizes, which none of the three reads: the tree has as
//! many as a root of 2 GB does, 60,000 in 6,000 directories.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use dropcap_image::{read_archive, read_rootfs};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use tar::{Builder, Header};

const DIRECTORIES: usize = 6_000;
const FILES_EACH: usize = 10;
/// Each of these has a setuid bit, or capabilities.
const PRIVILEGED_EVERY: usize = 2_000;
/// How often each is measured, one after the other; the first time warms up.
const ROUNDS: usize = 12;
/// The bytes of the layer that is decompressed.
const LAYER: usize = 128 << 20;

fn main() -> ExitCode {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("root");
    let privileged = make(&root);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (time, found) = timed(|| read_rootfs(&root).unwrap().executables.len());
        assert_eq!(found, privileged, "speed counts only if nothing is left out");
        ours.push(time);
        let (time, found) = timed(|| peers(&root));
        assert_eq!(found, privileged);
        theirs.push(time);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let files = DIRECTORIES * FILES_EACH;
    println!("a root of {files} files, dropcap                   {ours:>8.1?}");
    println!("a root of {files} files, getcap -r and find -perm  {theirs:>8.1?}");
    let met = ours <= theirs;
    println!("target: no more than both together: {}", if met { "met" } else { "MISSED" });
    layers(place.path());
    ExitCode::from(u8::from(!met))
}

/// Fills `root`; how many privileged files it has.
fn make(root: &Path) -> usize {
    let mut privileged = 0;
    for directory in 0..DIRECTORIES {
        let folder = root.join(format!("usr/lib/group-{}/package-{directory}", directory % 60));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..FILES_EACH {
            let path = folder.join(format!("file-{file}"));
            File::create(&path).unwrap();
            let number = directory * FILES_EACH + file;
            if number.is_multiple_of(PRIVILEGED_EVERY) {
                privileged += 1;
                fs::set_permissions(&path, Permissions::from_mode(0o4755)).unwrap();
            } else if number % PRIVILEGED_EVERY == 1 {
                privileged += 1;
                let status = Command::new("setcap").arg("cap_net_raw=ep").arg(&path).status();
                assert!(status.unwrap().success(), "needs root and libcap2-bin: `make setup`");
            }
        }
    }
    privileged
}

fn peers(root: &Path) -> usize {
    let lines = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success());
        output.stdout.iter().filter(|byte| **byte == b'\n').count()
    };
    lines(Command::new("getcap").arg("-r").arg(root))
        + lines(Command::new("find").arg(root).args(["-perm", "/6000"]))
}

/// What decompression costs, for scale: a layer of files as they are in images, half of them noise.
fn layers(place: &Path) {
    let mut layer = Builder::new(Vec::new());
    let mut noise = dropcap_testkit::random::Random::new(1);
    let file: Vec<u8> = (0..1 << 20)
        .map(|at| if at % 2 == 0 { (noise.next() & 0xff) as u8 } else { b'x' })
        .collect();
    for number in 0..LAYER / file.len() {
        append(&mut layer, &format!("file-{number}"), &file);
    }
    let layer = layer.into_inner().unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&layer).unwrap();
    let gzip = encoder.finish().unwrap();
    let compressed = place.join("layer.gz");
    fs::write(&compressed, &gzip).unwrap();
    let gunzip = || {
        let output = Stdio::null();
        let status = Command::new("gzip").arg("-dc").arg(&compressed).stdout(output).status();
        assert!(status.unwrap().success());
    };
    let times = (0..5).map(|_| timed(gunzip).0).collect();
    println!("a layer of {} MiB, gzip -dc alone {:>8.1?}", LAYER >> 20, median(times));
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let zstd = ruzstd::encoding::compress_to_vec(layer.as_slice(), level);
    for (how, bytes) in [("plain", layer), ("gzip", gzip), ("zstd", zstd)] {
        let path = place.join("image.tar");
        fs::write(&path, archive(&bytes)).unwrap();
        let times = (0..5).map(|_| timed(|| read_archive(&path, None).unwrap()).0).collect();
        println!("a layer of {} MiB, {how:5}         {:>8.1?}", LAYER >> 20, median(times));
    }
}

fn archive(layer: &[u8]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    append(&mut archive, "layer.tar", layer);
    append(&mut archive, "config.json", b"{}");
    append(&mut archive, "manifest.json", br#"[{"Config":"config.json","Layers":["layer.tar"]}]"#);
    archive.into_inner().unwrap()
}

fn append(archive: &mut Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
    let mut header = Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, bytes).unwrap();
}

fn timed<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let value = what();
    (started.elapsed(), value)
}

/// Without the first, which warms up.
fn median(mut times: Vec<Duration>) -> Duration {
    times.remove(0);
    times.sort();
    times[times.len() / 2]
}
