//! A folder with Compose file and root directory, and the program.

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const COMPOSE: &str = r#"services:
  agent:
    image: example/agent
    user: "1000"
  fixed:
    image: example/agent
    user: "1000"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
"#;

pub struct Place(TempDir);

impl Place {
    /// With a root directory, `root`: an ordinary program, one setuid root's, one setgid, one with file
    /// capabilities.
    pub fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "these tests need root: run them as root");
        let folder = tempfile::Builder::new().prefix("inspect").tempdir().expect("a folder");
        let place = Self(folder);
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::write(place.path().join("compose.yaml"), COMPOSE).expect("the Compose file");
        fs::create_dir_all(place.path().join("root/etc")).expect("a directory");
        let passwd = "root:x:0:0::/:/bin/sh\nsandbox:x:1000:1000::/:/bin/sh\n";
        fs::write(place.path().join("root/etc/passwd"), passwd).expect("passwd");
        place.program("root/bin/cat", 0o755, None);
        place.program("root/bin/su", 0o4755, None);
        place.program("root/bin/write", 0o2755, None);
        place.program("root/bin/ping", 0o755, Some("cap_net_raw=ep"));
        place
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A `cat` at `path`, root's, with this mode and these file capabilities.
    pub fn program(&self, path: &str, mode: u32, capabilities: Option<&str>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("its folder");
        dropcap_testkit::root::copy("/bin/cat", &path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        if let Some(capabilities) = capabilities {
            let setcap = Command::new("setcap")
                .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
                .args([Path::new(capabilities), &path])
                .status()
                .expect("needs libcap2-bin: run `make setup`");
            assert!(setcap.success());
        }
        path
    }

    /// `dropcap inspect` there.
    pub fn inspect(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_dropcap"))
            .arg("inspect")
            .args(arguments)
            .current_dir(self.path())
            .output()
            .expect("dropcap starts")
    }

    /// What it prints and its exit code, without what differs from machine to machine: which kernel
    /// this is, and where the folder lies.
    pub fn text(&self, arguments: &[&str]) -> String {
        let output = self.inspect(arguments);
        let read = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).expect("text");
            text.replace(self.path().to_str().expect("a path"), "FOLDER")
        };
        let of_the_kernel =
            |line: &&str| !line.contains("the rules were ") && !line.contains("note: Linux ");
        let stdout = read(&output.stdout);
        let stdout: Vec<&str> = stdout.lines().filter(of_the_kernel).collect();
        let code = output.status.code().expect("an exit code");
        format!("exit {code}\n{}\n--- stderr\n{}", stdout.join("\n"), read(&output.stderr))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.inspect(&[arguments, &["--format", "json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
