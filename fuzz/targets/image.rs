//! Arbitrary archives: reading one never panics, never hangs, and what is found lies in the root.
#![no_main]

use dropcap_image::{Image, read_archive};
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use tar::{Builder, Header};

/// In memory where that is possible.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place =
        if fs::metadata("/dev/shm").is_ok() { "/dev/shm".into() } else { std::env::temp_dir() };
    place.join(format!("dropcap-fuzz-{}", std::process::id()))
});

fuzz_target!(|input: &[u8]| {
    // Once as the archive, once as a layer of a good one: few inputs would come as far.
    look(input);
    let mut archive = Builder::new(Vec::new());
    append(&mut archive, "manifest.json", br#"[{"Config":"c.json","Layers":["layer"]}]"#);
    append(&mut archive, "c.json", b"{}");
    append(&mut archive, "layer", input);
    if let Ok(archive) = archive.into_inner() {
        look(&archive);
    }
});

fn append(archive: &mut Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
    let mut header = Header::new_ustar();
    header.set_size(bytes.len() as u64);
    archive.append_data(&mut header, path, bytes).expect("memory takes everything");
}

fn look(bytes: &[u8]) {
    fs::write(&*FILE, bytes).expect("a file to write");
    match read_archive(&FILE, Some("agent")) {
        Ok(image) => check(&image),
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
}

fn check(image: &Image) {
    for file in &image.executables {
        assert!(file.path.starts_with('/'), "{file:?}");
        assert!(
            file.path.split('/').skip(1).all(|part| !matches!(part, "" | "." | "..")),
            "{file:?}"
        );
        assert!(file.mode & 0o6000 != 0 || file.file_capabilities.is_some(), "{file:?}");
        assert!(file.mode <= 0o7777, "{file:?}");
    }
    for warning in &image.warnings {
        assert!(!warning.contains(char::is_control), "{warning}");
    }
}
