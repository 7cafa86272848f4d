//! Which Debian packages an image has, whatever it comes by.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use dropcap_image::{Image, read_archive, read_layout};
use std::fs;
use support::{Layer, docker_archive, gzip, oci_layout};

const STATUS: &str = "./var/lib/dpkg/status";
const CONFIG: &str = r#"{"config":{"Entrypoint":["/bin/x"]}}"#;

fn status(version: &str) -> String {
    format!("Package: memcached\nStatus: install ok installed\nVersion: {version}\n")
}

fn base() -> Layer {
    Layer::default()
        .directory("./var", 0o755)
        .directory("./var/lib", 0o755)
        .directory("./var/lib/dpkg", 0o755)
        .text("./etc/passwd", "root:x:0:0::/:/bin/sh\n")
        .text(STATUS, &status("1"))
}

fn read(layers: &[Layer]) -> Image {
    let layers: Vec<_> = layers.iter().map(|layer| layer.0.get_ref().clone()).collect();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("image.tar");
    fs::write(&path, docker_archive(CONFIG, &layers)).unwrap();
    let archive = read_archive(&path, None).unwrap();
    let layout = tempfile::tempdir().unwrap();
    let zipped: Vec<_> = layers.iter().map(|layer| gzip(layer)).collect();
    oci_layout(layout.path(), CONFIG, &zipped);
    assert_eq!(read_layout(layout.path(), None).unwrap().packages, archive.packages);
    archive
}

fn version(layers: &[Layer]) -> Option<String> {
    let image = read(layers);
    assert_eq!(image.warnings, Vec::<String>::new());
    image.packages.version("memcached").map(str::to_owned)
}

#[test]
fn the_uppermost_list_counts() {
    assert_eq!(version(&[base()]).as_deref(), Some("1"));
    let above = || Layer::default().text(STATUS, &status("2"));
    assert_eq!(version(&[base(), above()]).as_deref(), Some("2"));
    assert_eq!(
        version(&[base(), above(), Layer::default().file("./x", 0o644)]).as_deref(),
        Some("2")
    );
    // Without a leading dot too, as containerd and BuildKit write it.
    assert_eq!(version(&[base(), Layer::default().text(&STATUS[2..], "")]), None);
}

#[test]
fn a_list_that_is_taken_away_or_hidden_is_none() {
    for (path, above) in [
        ("a whiteout", Layer::default().file("./var/lib/dpkg/.wh.status", 0o644)),
        ("an opaque directory", Layer::default().file("./var/lib/.wh..wh..opq", 0o644)),
        ("a file in a directory's place", Layer::default().file("./var/lib/dpkg", 0o644)),
        ("a link in its place", Layer::default().symlink(STATUS, "/etc/passwd")),
        ("a link on its way", Layer::default().symlink("./var/lib", "/srv")),
        ("what is no list", Layer::default().text(STATUS, "#!/bin/sh\n")),
    ] {
        assert_eq!(version(&[base(), above]), None, "{path}");
    }
}

/// With some engines it is in one place, with others in another: nobody knows.
#[test]
fn a_list_behind_a_link_of_a_lower_layer_is_none_and_no_warning() {
    let link = Layer::default().directory("./srv", 0o755).symlink("./var", "/srv");
    assert_eq!(version(&[link, Layer::default().text(STATUS, &status("1"))]), None);
}

#[test]
fn a_list_that_is_too_large_makes_no_image_unreadable() {
    let above = Layer::default().text(STATUS, &"Package: a\n".repeat(2 << 20));
    assert_eq!(version(&[base(), above]), None);
}

#[cfg(target_os = "linux")]
#[test]
fn a_root_directory_has_its_list_read_inside_of_itself() {
    use std::os::unix::fs::symlink;
    let version = |make: &dyn Fn(&std::path::Path)| {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("var/lib/dpkg")).unwrap();
        make(root.path());
        let image = dropcap_image::read_rootfs(root.path()).unwrap();
        assert_eq!(image.warnings, Vec::<String>::new());
        image.packages.version("memcached").map(str::to_owned)
    };
    assert_eq!(
        version(&|root| fs::write(root.join(STATUS), status("1")).unwrap()).as_deref(),
        Some("1")
    );
    assert_eq!(version(&|_| {}), None);
    assert_eq!(version(&|root| fs::create_dir(root.join(STATUS)).unwrap()), None);
    // A link means what it means in there: the file of that name outside is not read.
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), status("1")).unwrap();
    assert_eq!(version(&|root| symlink(outside.path(), root.join(STATUS)).unwrap()), None);
    let inside = |root: &std::path::Path| {
        fs::write(root.join("list"), status("3")).unwrap();
        symlink("/list", root.join(STATUS)).unwrap();
    };
    assert_eq!(version(&inside).as_deref(), Some("3"));
}
