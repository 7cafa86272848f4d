//! Trying every door leaves nothing behind.
#![allow(missing_docs, reason = "a test")]

mod support;

use dropcap_capability::CapabilitySet;
use dropcap_prove::{DOORS, Scene, SearchLimits, Verdict, prove};
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Mounts, sysctls, files of the writable places, children, descriptors, host name.
fn traces() -> Vec<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let names = |path: &str| {
        let mut names: Vec<String> = fs::read_dir(path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(".dropcap"))
            .collect();
        names.sort();
        format!("{path}: {names:?}")
    };
    vec![
        // The engines that other tests start and end meanwhile mount in a place of their own.
        read("/proc/self/mounts")
            .lines()
            .filter(|line| !line.contains("/dropcap-docker-"))
            .collect::<Vec<_>>()
            .join("\n"),
        read("/proc/sys/kernel/core_pattern"),
        read("/proc/sys/kernel/hostname"),
        read("/sys/class/net/lo/mtu"),
        names("/dev/shm"),
        names("/tmp"),
        names("/run"),
        names("."),
        support::children(),
        fs::read_dir("/proc/self/fd").expect("/proc").count().to_string(),
    ]
}

#[test]
fn nothing_stays_behind() {
    support::must_be_root();
    // CAP_KILL is tried on a process of another user, which not every machine has.
    let mut other = Command::new("sleep").arg("600").uid(support::SANDBOX).spawn().expect("sleep");
    for held in [CapabilitySet::EMPTY, support::everything()] {
        let said = support::in_child(|| {
            dropcap_prove::assume(&support::root_holding(held)).expect("the state");
            let scene = Scene::here(&SearchLimits::default()).expect("the scene");
            let before = traces();
            let proof = prove("self", CapabilitySet::EMPTY, &scene);
            let after = traces();
            assert_eq!(before, after);
            serde_json::to_vec(&proof).expect("JSON")
        });
        let proof: dropcap_prove::Proof = serde_json::from_slice(&said).expect("JSON");
        assert_eq!(proof.attempts.len(), DOORS.len());
        let tried = proof.attempts.iter().filter(|one| one.verdict != Verdict::NotTried).count();
        assert_eq!(tried, DOORS.len(), "{proof:?}");
    }
    other.kill().expect("it still runs");
    other.wait().expect("its end");
}
