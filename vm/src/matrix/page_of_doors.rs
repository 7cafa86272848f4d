//! docs/doors-by-kernel.md, which the program that tries the doors keeps: it takes in what it printed
//! on another kernel.

use super::Row;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};

/// Puts what each kernel showed into the page.
///
/// # Errors
/// Where the program fails.
pub fn write(kernels: &[Row], doors: &Path) -> io::Result<()> {
    for kernel in kernels.iter().filter(|kernel| kernel.holds()) {
        let output = with_table(kernel, doors, "--merge")?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
    }
    Ok(())
}

/// What the page shows otherwise, but for kernels that may fail.
///
/// # Errors
/// Where the program cannot be started.
pub fn difference(kernels: &[Row], doors: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    for kernel in kernels.iter().filter(|kernel| kernel.source.required && kernel.holds()) {
        let output = with_table(kernel, doors, "--compare")?;
        if !output.status.success() {
            text +=
                &format!("vm: {}: {}", kernel.source.name, String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok((!text.is_empty()).then(|| text + "vm: run scripts/vm --write\n"))
}

fn with_table(kernel: &Row, doors: &Path, option: &str) -> io::Result<Output> {
    let table = kernel.tested.as_ref().ok().and_then(|tested| tested.doors());
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(table.unwrap_or_default().as_bytes())?;
    Command::new(doors).arg(option).arg(file.path()).output()
}
