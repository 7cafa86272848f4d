//! The machine: QEMU with software emulation, so that no host has to allow more.

use crate::kernel::Kernel;
use std::io;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// The emulator; Debian's package is qemu-system-x86.
pub const PROGRAM: &str = "qemu-system-x86_64";

/// What every guest has on its kernel's command line.
///
/// - `panic=-1`, `oops=panic`: ends at once, since a reboot ends the emulator.
/// - `lsm=`: those that need no policy, and BPF's. AppArmor and SELinux would add refusals of theirs.
/// - `tsc=reliable`, `mitigations=off`: less to emulate.
const ARGUMENTS: &str = "console=ttyS0 panic=-1 oops=panic quiet loglevel=4 lsm=landlock,lockdown,yama,integrity,bpf \
    tsc=reliable mitigations=off";

/// All that can be emulated, but for cmpxchg16b, which QEMU 7.2 gets wrong: it leaves rubbish in the
/// flags, and a kernel whose allocator uses it (6.12) crashes within seconds. Page tables of five
/// levels are only slower.
const PROCESSOR: &str = "max,cx16=off,la57=off";

/// A running machine; dropping it ends it.
#[derive(Debug)]
pub struct Machine {
    child: Child,
}

impl Machine {
    /// Starts a kernel with an initramfs whose `/init` gets `argument`. The kernel's console goes to
    /// the file `console`; the second serial line is what is returned.
    ///
    /// # Errors
    /// Where QEMU or setpriv(1) is missing.
    pub fn start(
        kernel: &Kernel,
        initramfs: &Path,
        console: &Path,
        shape: Shape,
        argument: &str,
    ) -> io::Result<(Self, ChildStdout)> {
        // Where this process is killed, the machine goes with it.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", PROGRAM])
            .args([
                "-accel",
                "tcg,thread=multi",
                "-cpu",
                PROCESSOR,
                "-nodefaults",
                "-no-user-config",
            ])
            .args(["-display", "none", "-no-reboot"])
            .args(["-smp", &shape.processors.to_string(), "-m", &shape.megabytes.to_string()])
            .arg("-kernel")
            .arg(&kernel.image)
            .arg("-initrd")
            .arg(initramfs)
            .args(["-append", &format!("{ARGUMENTS} -- {argument}")])
            .arg("-serial")
            .arg(format!("file:{}", console.display()))
            .args(["-serial", "stdio"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let line = child.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
        Ok((Self { child }, line))
    }

    /// Ends the machine, wherever it stands.
    ///
    /// # Errors
    /// None that is known of.
    pub fn stop(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stop();
    }
}

/// How large a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Processors; each is a thread of the host's.
    pub processors: u32,
    /// Memory.
    pub megabytes: u32,
}

/// What a guest has unless it is told otherwise. A second processor makes system calls no quicker under
/// emulation: measured.
pub const SHAPE: Shape = Shape { processors: 1, megabytes: 1024 };
