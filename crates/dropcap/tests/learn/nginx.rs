//! An image of Debian's nginx, as the official one is built: it starts as root, and steps down itself.

use dropcap_testkit::docker::Docker;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages whose files are needed; what they are linked with is this machine's.
const PACKAGES: [&str; 2] = ["nginx", "nginx-common"];

/// Adds nginx to `root`, which has a shell already, and imports it as `image`.
pub fn import(docker: &Docker, root: &Path, image: &str) {
    let files = unpacked();
    for path in ["usr/sbin/nginx", "etc/nginx", "usr/share/nginx", "var/lib/nginx", "var/log/nginx"]
    {
        let to = root.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        run(Command::new("cp").arg("--archive").args([&files.join(path), &to]));
    }
    for (log, stream) in [("access.log", "/dev/stdout"), ("error.log", "/dev/stderr")] {
        symlink(stream, root.join("var/log/nginx").join(log)).unwrap();
    }
    // The official one reads only what is in conf.d.
    let _ = fs::remove_dir_all(root.join("etc/nginx/sites-enabled"));
    let _ = fs::remove_dir_all(root.join("etc/nginx/modules-enabled"));
    for (file, line) in [
        ("etc/passwd", "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"),
        ("etc/group", "www-data:x:33:\n"),
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        fs::write(root.join(file), text + line).unwrap();
    }
    libraries(&root.join("usr/sbin/nginx"), root);
    let changes = ["CMD [\"nginx\", \"-g\", \"daemon off;\"]", "EXPOSE 80"];
    docker.import(root, image, &changes);
}

/// The packages' files, fetched once.
fn unpacked() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nginx");
    if place.join("done").exists() {
        return place;
    }
    let fetched = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // As root, apt-get would fetch as a user who may not write here.
    let options = ["-o", "APT::Sandbox::User=root", "-q", "download"];
    let mut fetch = Command::new("apt-get");
    fetch.args(options).args(PACKAGES).current_dir(fetched.path());
    run(&mut fetch);
    for entry in fs::read_dir(fetched.path()).unwrap() {
        run(Command::new("dpkg").arg("--extract").arg(entry.unwrap().path()).arg(&place));
    }
    fs::write(place.join("done"), "").unwrap();
    place
}

/// Copies what `program` is linked with to where it lies here.
fn libraries(program: &Path, root: &Path) {
    let said = Command::new("ldd").arg(program).output().expect("ldd");
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(!said.contains("not found"), "a library of nginx is not on this machine: {said}");
    for library in said.split_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.join(&library[1..]);
        if !to.exists() {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(library, to).unwrap();
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
