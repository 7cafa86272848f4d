//! Images in archives and layouts: what layers make of one another.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use dropcap_image::{Image, read_archive, read_layout, read_path};
use std::fs;
use support::{Layer, NET_RAW, docker_archive, gzip, oci_layout, zstd};
use tar::EntryType;

const CONFIG: &str =
    r#"{"config":{"User":"sandbox","Entrypoint":["/bin/bash"],"Cmd":["-l"],"Env":null}}"#;
const PASSWD: &str = "root:x:0:0::/:/bin/sh\nsandbox:x:1001:1002::/:/bin/sh\n";

fn read(layers: &[Vec<u8>]) -> Image {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("image.tar");
    fs::write(&path, docker_archive(CONFIG, layers)).unwrap();
    read_archive(&path, None).unwrap()
}

/// `MODE PATH` of each privileged file.
fn privileged(layers: &[Vec<u8>]) -> Vec<String> {
    let image = read(layers);
    assert_eq!(image.warnings, Vec::<String>::new());
    lines(&image)
}

fn lines(image: &Image) -> Vec<String> {
    let line = |file: &dropcap_capability::Executable| {
        let capabilities = file.file_capabilities.map(|caps| format!(" {}", caps.permitted));
        format!("{:o} {}{}", file.mode, file.path, capabilities.unwrap_or_default())
    };
    image.executables.iter().map(line).collect()
}

fn base() -> Layer {
    Layer::default()
        .directory("./", 0o755)
        .directory("./usr", 0o755)
        .directory("./usr/bin", 0o755)
        .text("./etc/passwd", PASSWD)
        .text("./etc/group", "wheel:x:10:sandbox\n")
        .file("./usr/bin/su", 0o4755)
        .file("./usr/bin/mail", 0o2755)
        .file("./usr/bin/ls", 0o755)
        .capable("./usr/bin/ping", &NET_RAW)
}

#[test]
fn an_archive_gives_users_configuration_and_privileged_files() {
    let image = read(&[base().done()]);
    assert_eq!(
        lines(&image),
        ["2755 /usr/bin/mail", "755 /usr/bin/ping CAP_NET_RAW", "4755 /usr/bin/su"]
    );
    let user = image.users.resolve("sandbox").unwrap();
    assert_eq!((user.uid, user.gid, user.groups), (1001, 1002, vec![10]));
    let configured = image.configured.unwrap();
    assert_eq!(configured.user.as_deref(), Some("sandbox"));
    assert_eq!(
        (configured.entrypoint, configured.command),
        (vec!["/bin/bash".into()], vec!["-l".into()])
    );
    assert_eq!(image.digest.unwrap(), format!("sha256:{}", "a".repeat(64)));
    assert_eq!((image.warnings, image.assumptions), (vec![], vec![]));
}

#[test]
fn a_higher_layer_takes_away_replaces_and_changes() {
    let upper = Layer::default()
        .file("usr/bin/.wh.su", 0)
        .file("usr/bin/mail", 0o755)
        .file("usr/bin/ls", 0o6755)
        .done();
    assert_eq!(
        privileged(&[base().done(), upper]),
        ["6755 /usr/bin/ls", "755 /usr/bin/ping CAP_NET_RAW"]
    );
    // Whatever is no directory covers a whole directory; a directory covers a file.
    let upper = Layer::default().symlink("usr/bin", "../bin").done();
    assert_eq!(privileged(&[base().done(), upper]), Vec::<String>::new());
    let upper = Layer::default().directory("usr/bin/su", 0o755).done();
    assert_eq!(
        privileged(&[base().done(), upper]),
        ["2755 /usr/bin/mail", "755 /usr/bin/ping CAP_NET_RAW"]
    );
    // A third layer brings it back.
    let layers = [base().done(), Layer::default().file("usr/bin/.wh.su", 0).done(), base().done()];
    assert_eq!(privileged(&layers), privileged(&layers[..1]));
}

#[test]
fn an_opaque_directory_hides_lower_layers_alone() {
    let upper = Layer::default()
        .directory("usr/bin", 0o755)
        .file("usr/bin/new", 0o4711)
        .file("usr/bin/.wh..wh..opq", 0)
        .done();
    assert_eq!(privileged(&[base().done(), upper]), ["4711 /usr/bin/new"]);
    // As does the whiteout of a directory that the same layer makes anew, in whichever order.
    for layer in [
        Layer::default().file("usr/.wh.bin", 0).file("usr/bin/new", 0o4711),
        Layer::default().file("usr/bin/new", 0o4711).file("usr/.wh.bin", 0),
    ] {
        assert_eq!(privileged(&[base().done(), layer.done()]), ["4711 /usr/bin/new"]);
    }
}

#[test]
fn a_whiteout_under_a_directory_of_its_layer_may_hide_nothing() {
    let upper = Layer::default().file("usr/.wh.bin", 0).directory("usr/bin", 0o755).done();
    let image = read(&[base().done(), upper.clone()]);
    assert_eq!(lines(&image).len(), 3);
    assert_eq!(image.warnings.len(), 1, "{:?}", image.warnings);
    // Where nothing lay there, nothing is said.
    assert_eq!(privileged(&[Layer::default().done(), upper]), Vec::<String>::new());
}

#[test]
fn a_hard_link_is_the_same_file() {
    let layer = base().hard_link("usr/bin/su2", "usr/bin/su", 0o4755);
    assert_eq!(privileged(&[layer.done()])[3..], ["4755 /usr/bin/su2"]);
    // The link's own header says what the file is, whichever name it was found by before.
    let layer = base().hard_link("su2", "./usr/bin/su", 0o4700).hard_link("su3", "/su2", 0o700);
    assert_eq!(
        privileged(&[layer.done()]),
        ["2755 /usr/bin/mail", "755 /usr/bin/ping CAP_NET_RAW"]
    );
    // To a file of a lower layer.
    let upper = Layer::default().hard_link("bin/su", "usr/bin/su", 0o4755).done();
    assert!(privileged(&[base().done(), upper]).contains(&"4755 /bin/su".to_owned()));
    // It alone gives privilege, to every name that the file has by then.
    let layer = base().hard_link("dir", "usr/bin/ls", 0o755).hard_link("root", "dir", 0o4755);
    let image = read(&[layer.done()]);
    for name in ["/usr/bin/ls", "/dir", "/root"] {
        assert!(lines(&image).contains(&format!("4755 {name}")), "{name}: {:?}", lines(&image));
    }
    assert_eq!(image.warnings, Vec::<String>::new());
    // A pipe is no file, whatever the header of a link says of it.
    let pipe = Layer::default().entry(EntryType::Fifo, "pipe", 0o644, (0, 0));
    let image = read(&[pipe.hard_link("root", "pipe", 0o4755).done()]);
    assert_eq!(lines(&image), Vec::<String>::new());
}

#[test]
fn the_directories_on_the_way_are_what_the_last_layer_says() {
    let file = |layers: &[Vec<u8>]| {
        let found = read(layers).executables.remove(0).restricted_directories;
        found.iter().map(|it| (it.mode, it.uid.unwrap())).collect::<Vec<_>>()
    };
    let lower = Layer::default()
        .directory("", 0o750)
        .directory("opt", 0o755)
        .entry(EntryType::Directory, "opt/tool", 0o700, (7, 7))
        .file("opt/tool/x", 0o4755)
        .done();
    assert_eq!(file(std::slice::from_ref(&lower)), [(0o750, 0), (0o700, 7)]);
    let upper = Layer::default().directory("opt", 0o710).directory("opt/tool", 0o711).done();
    assert_eq!(file(&[lower, upper]), [(0o750, 0), (0o710, 0)]);
}

#[test]
fn what_is_written_twice_counts_as_it_is_last() {
    let layer = base().file("usr/bin/su", 0o755).file("x", 0o755).file("x", 0o4755).done();
    assert_eq!(
        privileged(&[layer]),
        ["2755 /usr/bin/mail", "755 /usr/bin/ping CAP_NET_RAW", "4755 /x"]
    );
    // What a directory that was replaced leaves of lower layers is up to the engine: it stays.
    let upper =
        Layer::default().directory("usr", 0o755).file("usr", 0o644).directory("usr", 0o755).done();
    let image = read(&[base().done(), upper]);
    assert_eq!(image.warnings.len(), 1, "{:?}", image.warnings);
    assert_eq!(lines(&image).len(), 3);
}

#[test]
fn a_path_through_a_link_of_its_layer_is_followed_inside_the_root() {
    let layer = base()
        .symlink("bin", "/usr/bin")
        .symlink("out", "../../../usr")
        .file("bin/one", 0o4755)
        .file("out/bin/two", 0o4755)
        .done();
    let found = privileged(&[layer]);
    assert!(found.contains(&"4755 /usr/bin/one".to_owned()), "{found:?}");
    assert!(found.contains(&"4755 /usr/bin/two".to_owned()), "{found:?}");
    // Through a link of a lower layer, engines differ: both are named, and it is said.
    let lower = base().symlink("bin", "usr/bin").done();
    let image = read(&[lower, Layer::default().file("bin/one", 0o4755).done()]);
    let found = lines(&image);
    assert!(found.contains(&"4755 /usr/bin/one".to_owned()), "{found:?}");
    assert!(found.contains(&"4755 /bin/one".to_owned()), "{found:?}");
    assert!(image.warnings[0].contains("/bin/one lies behind a link"), "{:?}", image.warnings);
}

#[test]
fn users_are_found_behind_links_in_other_layers() {
    let lower = Layer::default()
        .text("store/passwd", PASSWD)
        .symlink("private", "store")
        .text("store/groups", "wheel:x:10:sandbox\n")
        .done();
    let upper = Layer::default()
        .symlink("etc/passwd", "../../private/passwd")
        .hard_link("etc/group", "store/groups", 0o644)
        .done();
    let user = read(&[lower, upper]).users.resolve("sandbox").unwrap();
    assert_eq!((user.uid, user.groups), (1001, vec![10]));
    // The last layer's counts, and a whiteout leaves none.
    let upper = Layer::default().text("etc/passwd", "sandbox:x:5:5::/:\n").done();
    assert_eq!(read(&[base().done(), upper]).users.resolve("sandbox").unwrap().uid, 5);
    let upper = Layer::default().file("etc/.wh.passwd", 0).done();
    assert!(read(&[base().done(), upper]).users.resolve("sandbox").is_err());
}

#[test]
fn pax_says_more_than_a_header_can() {
    let long = format!("{}/su", "d".repeat(200));
    let both = [1, 0, 0, 2, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let layer = Layer::default()
        .pax("path", long.as_bytes())
        .file("short", 0o4755)
        .capable("two", &both)
        .pax("LIBARCHIVE.xattr.security.capability", b"AQAAAgAgAAAAAAAAAAAAAAAAAAA=")
        .file("not-read-by-engines", 0o755)
        .done();
    assert_eq!(
        privileged(&[layer]),
        [format!("4755 /{long}"), "755 /two CAP_DAC_OVERRIDE,CAP_FOWNER".to_owned()]
    );
}

#[test]
fn a_link_has_no_content_whatever_its_header_says() {
    // To skip what the size announces would be to miss the entry that follows.
    let mut layer = Layer::default();
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(EntryType::Symlink);
    header.set_path("link").unwrap();
    header.set_link_name("nowhere").unwrap();
    header.set_size(512);
    header.set_cksum();
    layer.0.append(&header, std::io::empty()).unwrap();
    assert_eq!(privileged(&[layer.file("su", 0o4755).done()]), ["4755 /su"]);
}

#[test]
fn layouts_and_compression_make_no_difference() {
    let plain = read(&[base().done(), Layer::default().file("usr/bin/.wh.su", 0).done()]);
    let layers = [gzip(&base().done()), zstd(&Layer::default().file("usr/bin/.wh.su", 0).done())];
    // More frames, and one to skip, as zstd:chunked has them.
    let mut chunked = zstd(&base().done()[..1024]);
    chunked.extend([0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    chunked.extend(zstd(&base().done()[1024..]));
    let place = tempfile::tempdir().unwrap();
    oci_layout(place.path(), CONFIG, &layers);
    let found = read_layout(place.path(), Some("whatever")).unwrap();
    assert_eq!((&found.executables, &found.users), (&plain.executables, &plain.users));
    assert_eq!(found.configured, plain.configured);
    assert_eq!(found.digest.as_deref(), Some(format!("sha256:{:064x}", 4).as_str()));
    assert_eq!(read_path(place.path(), None).unwrap(), found);

    let archive = place.path().join("whole.tar.gz");
    fs::write(&archive, gzip(&docker_archive(CONFIG, &[chunked, layers[1].clone()]))).unwrap();
    assert_eq!(read_path(&archive, None).unwrap().executables, plain.executables);
}

#[test]
fn the_image_that_is_asked_for_is_chosen() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("two.tar");
    let layer = |mode| Layer::default().file("x", mode).done();
    let mut archive = Layer::default();
    for (name, bytes) in [("a.tar", layer(0o4755)), ("b.tar", layer(0o755))] {
        archive.put(EntryType::Regular, name, "", 0o644, (0, 0), &bytes);
    }
    let archive = archive
        .symlink("b/layer.tar", "../b.tar")
        .text("c.json", "{}")
        .text(
            "manifest.json",
            r#"[{"Config":"c.json","RepoTags":["one:1"],"Layers":["a.tar"]},
                {"Config":"c.json","RepoTags":["docker.io/library/two:latest"],"Layers":["b/layer.tar"]}]"#,
        )
        .done();
    fs::write(&path, archive).unwrap();
    assert_eq!(read_archive(&path, Some("one:1")).unwrap().executables.len(), 1);
    assert_eq!(read_archive(&path, Some("two")).unwrap().executables.len(), 0);
    for reference in [None, Some("three")] {
        let error = read_archive(&path, reference).unwrap_err().to_string();
        assert!(error.ends_with("there are one:1, docker.io/library/two:latest"), "{error}");
    }
}
