//! Archives that are made to do harm: each is refused with a word on what and where, or harmless.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stderr, reason = "the seed goes to whoever runs the test")]

mod support;

use dropcap_image::{Image, ImageError, read_archive, read_layout};
use dropcap_testkit::random::{Random, SEED, seed};
use std::fs;
use std::io::Write;
use support::{Layer, docker_archive, gzip, oci_layout, zstd};
use tar::EntryType;

fn read(layer: Vec<u8>) -> Result<Image, ImageError> {
    read_bytes(&docker_archive("{}", &[layer]))
}

fn read_bytes(bytes: &[u8]) -> Result<Image, ImageError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_archive(file.path(), None)
}

fn refused(layer: Layer) -> String {
    let error = read(layer.done()).unwrap_err().to_string();
    let (place, what) = error.split_once(": ").unwrap();
    assert!(place.starts_with('/'), "{error}");
    let (part, what) = what.split_once(": ").unwrap();
    assert_eq!(part, "layer0/layer.tar");
    what.to_owned()
}

#[test]
fn what_leads_out_of_the_root_is_refused() {
    let layer = || Layer::default();
    assert_eq!(
        refused(layer().file("a/../../etc/shadow", 0o4755)),
        "has an entry `a/../../etc/shadow`, which leads out of the image's root"
    );
    assert_eq!(
        refused(layer().hard_link("x", "../../etc/shadow", 0o644)),
        "has a hard link `x` to `../../etc/shadow`, which is outside of the image's root"
    );
    assert_eq!(
        refused(layer().file("a/.wh...", 0)),
        "has a whiteout `a/.wh...`, which names nothing that can be taken away"
    );
    // What people see is not what the archive makes of their terminal.
    assert!(refused(layer().file("../\u{1b}[2J", 0)).contains("\\u{1b}[2J"));
}

#[test]
fn links_that_lead_to_one_another_end() {
    let layer = Layer::default().symlink("a", "b").symlink("b", "a").file("a/x", 0o4755);
    assert_eq!(refused(layer), "has an entry below `a`, a path of more than 40 symbolic links");
    let loops = Layer::default().symlink("etc", "etc2").symlink("etc2", "/etc");
    let error = read(loops.done()).unwrap_err().to_string();
    assert!(error.ends_with("`etc/passwd`, a path of more than 40 symbolic links"), "{error}");
    // Each pass finds that the file lies elsewhere.
    let mut chain = Layer::default().symlink("etc/passwd", "/p0");
    for number in 0..20 {
        chain = chain.hard_link(&format!("p{number}"), &format!("p{}", number + 1), 0o644);
    }
    assert!(read(chain.done()).is_err());
}

#[test]
fn a_hard_link_to_a_directory_is_left_out() {
    for (name, target) in [("x", "."), ("x", "a"), ("a/x", "a")] {
        let layer = Layer::default().directory("a", 0o700).hard_link(name, target, 0o4755);
        let image = read(layer.done()).unwrap();
        assert_eq!((image.executables.len(), image.warnings.len()), (0, 1), "{name} {target}");
    }
}

#[test]
fn devices_and_fifos_are_left_alone() {
    let layer = Layer::default()
        .entry(EntryType::Char, "dev/mem", 0o4666, (0, 0))
        .entry(EntryType::Block, "dev/sda", 0o4666, (0, 0))
        .entry(EntryType::Fifo, "etc/passwd", 0o4666, (0, 0));
    let image = read(layer.done()).unwrap();
    assert_eq!((image.executables.len(), image.warnings.len()), (0, 0));
}

#[test]
fn sizes_that_lie_are_found_out() {
    // The header announces more than there is.
    let mut header = tar::Header::new_ustar();
    header.set_path("big").unwrap();
    header.set_size(1 << 40);
    header.set_cksum();
    let mut layer = header.as_bytes().to_vec();
    layer.extend([0; 1024]);
    for layer in [layer.clone(), gzip(&layer), zstd(&layer)] {
        let error = read(layer).unwrap_err().to_string();
        assert!(error.ends_with("layer0/layer.tar: ends in the middle of an entry"), "{error}");
    }
    // So does the archive itself.
    let mut whole = docker_archive("{}", &[]);
    whole.splice(0..0, header.as_bytes().iter().copied());
    let error = read_bytes(&whole).unwrap_err().to_string();
    assert!(error.ends_with(": ends in the middle of an entry"), "{error}");
}

#[test]
fn huge_headers_are_refused_before_they_are_read() {
    for (kind, what) in [(b'x', "PAX header"), (b'L', "path"), (b'K', "link"), (b'g', "PAX header")]
    {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(EntryType::new(kind));
        header.set_size(1 << 33);
        header.set_cksum();
        let error = read(header.as_bytes().to_vec()).unwrap_err().to_string();
        let said = format!("has a {what} of 8589934592 bytes, of which engines take 1048576");
        assert!(error.ends_with(&said), "{error}");
    }
    let deep = Layer::default().pax("path", "d/".repeat(4000).as_bytes()).file("x", 0o4755);
    assert!(refused(deep).starts_with("has a path of 8000 bytes, of which engines take 4096"));
    let owner = Layer::default().pax("uid", b"4294967296").file("x", 0o4755);
    assert!(refused(owner).starts_with("has an entry `x` that belongs to 4294967296"));
}

/// One test, since the peak is the whole process's.
#[test]
fn memory_is_bounded_whatever_there_is() {
    // A quarter of a GiB of zeros in 1 MiB, as one file, in two compressions at once.
    let mut header = tar::Header::new_ustar();
    header.set_path("zeros").unwrap();
    header.set_size(1 << 28);
    header.set_cksum();
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    bomb.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..1 << 8 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = gzip(&docker_archive("{}", &[bomb.finish().unwrap()]));
    let before = peak();
    read_bytes(&bomb).unwrap();
    assert!(peak() - before < 64 << 20, "{} MiB", (peak() - before) >> 20);

    // 40,000 privileged files in the deepest of paths, 4,000 bytes each.
    let mut layer = Layer::default();
    for number in 0..40_000 {
        let path = format!("{}{number}", "d/".repeat(2000));
        layer = layer.pax("path", path.as_bytes()).file("x", 0o4755);
    }
    let archive = gzip(&layer.done());
    let before = peak();
    let error = read_bytes(&docker_archive("{}", &[archive])).unwrap_err().to_string();
    assert!(error.contains("than are kept in memory (128 MiB)"), "{error}");
    assert!(peak() - before < 256 << 20, "{} MiB", (peak() - before) >> 20);
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn what_is_no_image_is_called_so() {
    let said = |bytes: &[u8]| read_bytes(bytes).unwrap_err().to_string();
    assert!(said(b"hello").ends_with("is no tar archive: the header at byte 0 is broken"));
    assert!(said(&Layer::default().text("a", "b").done()).contains("has neither a manifest.json"));
    assert!(said(b"BZh9 and so on").contains("bzip2, which is not read"));
    let one = |manifest: &str| said(&Layer::default().text("manifest.json", manifest).done());
    assert!(
        one("[{}]").contains("manifest.json: is not the JSON that it should be: missing field")
    );
    let missing = one(r#"[{"Config":"c.json","Layers":[]}]"#);
    assert!(missing.ends_with("names `c.json`, which is not in it"), "{missing}");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    one(&nested);
    let archive = docker_archive("{}", &[b"no layer at all".to_vec()]);
    assert!(said(&archive).ends_with("layer0/layer.tar: is neither a layer nor JSON"));
}

#[test]
fn a_layout_does_not_lead_out_of_itself() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("secret"), "{}").unwrap();
    let layout = place.path().join("layout");
    oci_layout(&layout, "{}", &[Layer::default().done()]);
    read_layout(&layout, None).unwrap();
    let blob = layout.join("blobs/sha256").join(format!("{:064x}", 1));
    fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink("../../../secret", &blob).unwrap();
    let error = read_layout(&layout, None).unwrap_err().to_string();
    assert!(error.ends_with("a link that leads out of the layout"), "{error}");
    let index = r#"{"manifests":[{"digest":"sha256:../../../secret"}]}"#;
    fs::write(layout.join("index.json"), index).unwrap();
    let error = read_layout(&layout, None).unwrap_err().to_string();
    assert!(error.ends_with("names `sha256:../../../secret`, which is no digest"), "{error}");
}

/// Good archives with something wrong in them at random places, names that are anything, headers that
/// lie: nothing panics or leads out, and an error says where.
#[test]
fn random_harm_never_leads_out_and_never_panics() {
    const CASES: usize = 1_500;
    let seed = seed();
    eprintln!("{SEED}={seed}");
    let mut random = Random::new(seed);
    let (mut read, mut refused) = (0, 0);
    for case in 0..CASES {
        let layers: Vec<Vec<u8>> = (0..1 + random.below(3)).map(|_| harmful(&mut random)).collect();
        let mut archive = docker_archive(r#"{"config":{"User":"x"}}"#, &layers);
        for _ in 0..random.below(4) {
            let at = random.below(archive.len());
            archive[at] = random.next().to_le_bytes()[0];
        }
        if random.chance(10) {
            archive.truncate(random.below(archive.len()));
        }
        if random.chance(10) {
            archive = gzip(&archive);
        }
        match read_bytes(&archive) {
            Ok(image) => {
                read += 1;
                for file in &image.executables {
                    let inside = file.path.strip_prefix('/').unwrap();
                    let odd = |part| matches!(part, "" | "." | "..");
                    assert!(!inside.split('/').any(odd), "{SEED}={seed}, case {case}: {file:?}");
                }
            }
            Err(error) => {
                refused += 1;
                let text = error.to_string();
                let is_said = text.starts_with('/') && text.contains(": ");
                assert!(
                    is_said && !text.contains(char::is_control),
                    "{SEED}={seed}, case {case}: {text}"
                );
            }
        }
    }
    // Of both there are far more, whatever the seed: some 95 are read.
    assert!(read > CASES / 50 && refused > CASES / 50, "{read} read, {refused} refused");
}

/// A layer in which each entry may be anything.
fn harmful(random: &mut Random) -> Vec<u8> {
    const PARTS: [&str; 14] = [
        "..",
        ".",
        "",
        "a",
        "b",
        "etc",
        "passwd",
        ".wh.a",
        ".wh..wh..opq",
        ".wh...",
        ".wh.",
        "\u{7}",
        "é",
        "/",
    ];
    const KINDS: [u8; 12] = *b"00012345xgLS";
    let path = |random: &mut Random| {
        let parts: Vec<&str> = (0..1 + random.below(4)).map(|_| random.one_of(&PARTS)).collect();
        // Most lead nowhere bad, so that the rest of the layer is reached.
        if random.chance(80) { parts.join("/").replace("..", "c") } else { parts.join("/") }
    };
    let mut layer = Layer::default();
    for _ in 0..random.below(12) {
        if random.chance(20) {
            let key = random.one_of(&[
                "path",
                "linkpath",
                "size",
                "uid",
                "GNU.sparse.name",
                "GNU.sparse.map",
            ]);
            let value = if random.chance(50) { path(random) } else { random.next().to_string() };
            layer = layer.pax(key, value.as_bytes());
        }
        if random.chance(20) {
            let length = random.below(30);
            let value: Vec<u8> = (0..length).map(|_| random.next().to_le_bytes()[0]).collect();
            layer = layer.pax("SCHILY.xattr.security.capability", &value);
        }
        let (name, link) = (path(random), path(random));
        let kind = EntryType::new(random.one_of(&KINDS));
        let mode = (random.next() & 0o7777) as u32;
        let ids = (random.next() & 0x1fffff, random.next() & 0x1fffff);
        let data = vec![b'x'; if random.chance(20) { random.below(2000) } else { 0 }];
        layer.put(kind, &name, &link, mode, ids, &data);
    }
    layer.done()
}
