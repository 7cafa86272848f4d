//! Somebody changes what is being read: runc called by hand.

use crate::plain::Place;
use crate::world::{NET_BIND_SERVICE, holds_nothing, text};
use dropcap_testkit::status::Status;
use serde_json::json;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is read of a process document is what is executed, though somebody changes it all the time.
#[test]
fn a_document_that_changes_while_it_is_read_makes_no_door() {
    let place = Place::new("runc");
    place.configure(&["sleep", "1000"]);
    place.start(true, &["run", "--detach", "server9"]);
    let file = place.path("process.json");
    let set = json!(["CAP_KILL", "CAP_SYS_ADMIN", "CAP_NET_BIND_SERVICE"]);
    let document = |padding: usize| {
        json!({"args": ["cat", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin", format!("X={}", "x".repeat(padding))],
            "user": {"uid": 0, "gid": 0},
            "capabilities": {"bounding": set, "permitted": set, "effective": set}})
        .to_string()
    };
    let stop = AtomicBool::new(false);
    let (mut started, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (small, large) = (document(1), document(1 << 20));
            let spare = place.path("spare.json");
            while !stop.load(Ordering::Relaxed) {
                let _ = fs::write(&file, &large);
                let _ = fs::write(&spare, &small).and_then(|()| fs::rename(&spare, &file));
                let _ = std::os::unix::fs::symlink(place.path("bundle/rootfs/etc/passwd"), &spare);
                let _ = fs::rename(&spare, &file);
                let _ = fs::remove_file(&file);
            }
        });
        let _ends = Ends(&stop);
        for _ in 0..60 {
            let output = place.run(true, &["exec", "--process", file.to_str().unwrap(), "server9"]);
            if output.status.success() {
                let status = Status::parse(&text(&output.stdout));
                assert_eq!(
                    (status.bounding, status.permitted),
                    (NET_BIND_SERVICE, NET_BIND_SERVICE)
                );
                started += 1;
            } else {
                assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
                refused += 1;
            }
        }
    });
    assert!(refused > 0, "nothing was ever in the way of {started}");
    fs::write(&file, document(1)).unwrap();
    assert!(place.run(true, &["exec", "-p", file.to_str().unwrap(), "server9"]).status.success());
}

/// Ends who writes all the time, also where an assertion fails: the test would wait for them for ever.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Somebody swaps, links and grows the configuration all the time: a container is made within the policy, or
/// not at all.
#[test]
fn a_configuration_that_changes_while_it_is_read_makes_no_door() {
    let place = Place::new("runc");
    let config = place.configure(&["cat", "/proc/self/status"]);
    let file = place.path("bundle/config.json");
    let mut large = config.clone();
    large["annotations"] = json!({"padding": "x".repeat(1 << 20)});
    let stop = AtomicBool::new(false);
    let (mut started, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (small, large) = (config.to_string(), large.to_string());
            let spare = place.path("spare.json");
            while !stop.load(Ordering::Relaxed) {
                // In place, so that half of it may be seen; by renaming; as a link.
                let _ = fs::write(&file, &large);
                let _ = fs::write(&spare, &small).and_then(|()| fs::rename(&spare, &file));
                let _ = fs::remove_file(&file);
                let _ = std::os::unix::fs::symlink(place.path("bundle/rootfs/etc/passwd"), &file);
                let _ = fs::remove_file(&file);
            }
        });
        let _ends = Ends(&stop);
        for number in 0..60 {
            let output = place.run(true, &["run", &format!("c{number}")]);
            if output.status.success() {
                let status = Status::parse(&text(&output.stdout));
                assert!(holds_nothing(&status), "{status:?}");
                started += 1;
            } else {
                assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
                refused += 1;
            }
        }
    });
    assert!(refused > 0, "nothing was ever in the way of {started}");
    place.configure(&["cat", "/proc/self/status"]);
    assert!(place.run(true, &["run", "last"]).status.success());
}
