//! libcap, asked: a small program of ours that is linked with it, and its capsh.

use dropcap_capability::CapabilitySet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program that asks libcap.
pub struct Peer(PathBuf);

impl Peer {
    /// Compiles it, once.
    ///
    /// # Panics
    /// Where libcap-dev or a C compiler is missing.
    pub fn build() -> &'static Self {
        static PEER: OnceLock<Peer> = OnceLock::new();
        PEER.get_or_init(|| {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libcap/peer.c");
            let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libcap-peer");
            let output = Command::new("cc")
                .args(["-O1", "-Wall", "-Werror", "-o"])
                .args([&program, &source])
                .arg("-lcap")
                .output()
                .expect("needs a C compiler: run `make setup`");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "needs libcap-dev: run `make setup`\n{said}");
            Self(program)
        })
    }

    /// What the kernel has, and libcap's line for each text in this form.
    ///
    /// # Panics
    /// Where the program fails.
    pub fn read(&self, form: &str, texts: &[String]) -> (CapabilitySet, Vec<String>) {
        // A file, so that neither side waits for the other.
        let place = self.0.with_extension(format!("{form}.{}", std::process::id()));
        let ended: String = texts.iter().map(|text| format!("{text}\0")).collect();
        std::fs::write(&place, ended).expect("writing the texts");
        let input = File::open(&place).expect("reading them again");
        std::fs::remove_file(&place).expect("removing them");
        let mut lines = lines(Command::new(&self.0).arg(form).stdin(Stdio::from(input)));
        let count: u32 = lines.remove(0).parse().expect("a number of capabilities");
        (CapabilitySet::from_bits((1 << count) - 1), lines)
    }
}

/// The lines of `capsh --decode` for each mask.
///
/// # Panics
/// Where there is no capsh.
pub fn capsh_decode(masks: &[String]) -> Vec<String> {
    /// It takes many at a time.
    const AT_A_TIME: usize = 500;
    let capsh = ["/usr/sbin/capsh", "/sbin/capsh"].iter().find(|place| Path::new(place).exists());
    let capsh = capsh.copied().unwrap_or("capsh");
    let decode = |masks: &[String]| {
        lines(Command::new(capsh).args(masks.iter().map(|mask| format!("--decode={mask}"))))
    };
    masks.chunks(AT_A_TIME).flat_map(decode).collect()
}

fn lines(command: &mut Command) -> Vec<String> {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("needs libcap2-bin ({error}): run `make setup`"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
