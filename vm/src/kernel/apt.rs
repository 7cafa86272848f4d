//! Packages of a suite that the host's apt need not know: from the archive that it is configured for,
//! with settings that are its own but for the list of sources and the places of its files.

use super::{Error, at};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The variable that names an archive of Debian's, where apt's sources do not.
pub(super) const ARCHIVE: &str = "DROPCAP_DEBIAN_ARCHIVE";
/// What Debian signs its archive with; package debian-archive-keyring.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// It depends on the newest kernel of its suite.
const NEWEST: &str = "linux-image-cloud-amd64";
/// A kernel is one package, or its image and its modules are packages that the first depends on.
const PARTS: [&str; 3] = ["linux-image-", "linux-binary-", "linux-modules-"];

/// Downloads the suite's newest kernel and unpacks it into `place`.
pub(super) fn download(suite: &str, place: &Path) -> Result<(), Error> {
    let work = place.join("apt");
    for directory in ["lists/partial", "cache/archives/partial"] {
        let directory = work.join(directory);
        at(&directory, fs::create_dir_all(&directory))?;
    }
    let sources = work.join("sources.list");
    let source = format!("deb [arch=amd64 signed-by={KEYRING}] {} {suite} main\n", archive()?);
    at(&sources, fs::write(&sources, source))?;

    let apt = Apt { work: &work };
    apt.run("apt-get", &["update"])?;
    let newest = apt.run("apt-cache", &["show", NEWEST])?;
    let image = parts(&newest)
        .next()
        .ok_or_else(|| Error::Packages(format!("{NEWEST} of {suite} depends on no kernel")))?;
    let described = apt.run("apt-cache", &["show", image])?;
    let packages: Vec<&str> = [image].into_iter().chain(parts(&described)).collect();
    apt.run("apt-get", &[&["download"], &packages[..]].concat())?;
    for entry in at(&work, fs::read_dir(&work))?.flatten() {
        let file = entry.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg-deb").arg("--extract").args([&file, place]))?;
        }
    }
    at(&work, fs::remove_dir_all(&work))
}

/// apt with files of its own.
struct Apt<'a> {
    work: &'a Path,
}

impl Apt<'_> {
    fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Error> {
        let options = [
            ("Dir::Etc::SourceList", self.work.join("sources.list")),
            ("Dir::State::Lists", self.work.join("lists")),
            ("Dir::Cache", self.work.join("cache")),
        ];
        let mut command = Command::new(program);
        command.args(arguments).arg("-q").current_dir(self.work);
        for (option, path) in options {
            let path = std::path::absolute(&path).unwrap_or(path);
            command.arg("-o").arg(format!("{option}={}", path.display()));
        }
        for option in [
            "Dir::Etc::SourceParts=/dev/null",
            "Dir::State::Status=/dev/null",
            "APT::Architecture=amd64",
            "APT::Sandbox::User=root",
            "Acquire::Languages=none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        ] {
            command.args(["-o", option]);
        }
        run(&mut command)
    }
}

/// Where the host gets Debian's packages from.
fn archive() -> Result<String, Error> {
    if let Ok(archive) = std::env::var(ARCHIVE) {
        return Ok(archive);
    }
    let format = ["indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"];
    let targets = run(Command::new("apt-get").args(format))?;
    let debian = targets.lines().find_map(|line| line.strip_prefix("Debian "));
    debian.map(str::to_owned).ok_or(Error::NoArchive)
}

/// The packages of a kernel among those that a description depends on.
fn parts(description: &str) -> impl Iterator<Item = &str> {
    let depends = description.lines().find_map(|line| line.strip_prefix("Depends: "));
    let names = depends.unwrap_or_default().split([',', '|']);
    names
        .filter_map(|name| name.split_whitespace().next())
        .filter(|name| PARTS.iter().any(|part| name.starts_with(part)))
}

fn run(command: &mut Command) -> Result<String, Error> {
    let name = [command.get_program()].into_iter().chain(command.get_args().take(1));
    let name = name.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let failed = |said: String| Error::Program { command: name.clone(), said };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        return Err(failed(lines[lines.len().saturating_sub(5)..].join("; ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_found_among_what_is_depended_on() {
        let one =
            "Package: x\nDepends: linux-image-6.1.0-50-cloud-amd64 (= 6.1.176-1)\nSection: x\n";
        assert_eq!(parts(one).collect::<Vec<_>>(), ["linux-image-6.1.0-50-cloud-amd64"]);
        let split = "Depends: dracut | initramfs-tools, linux-base, linux-binary-7.2 (= 7), \
            linux-modules-7.2 (= 7)\n";
        assert_eq!(parts(split).collect::<Vec<_>>(), ["linux-binary-7.2", "linux-modules-7.2"]);
        assert_eq!(parts("Package: x\n").count(), 0);
    }
}
