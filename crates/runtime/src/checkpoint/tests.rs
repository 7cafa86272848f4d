#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;

/// A field with a number, such that it takes one byte each.
fn number_field(field: u8, value: u8) -> Vec<u8> {
    let mut tag = vec![field << 3];
    // From 16 on a tag takes two bytes.
    if field >= 16 {
        tag = vec![0x80 | (field << 3), field >> 4];
    }
    [tag, vec![value]].concat()
}

fn message(field: u8, content: &[u8]) -> Vec<u8> {
    [&[field << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
}

fn image(entry: &[u8]) -> Vec<u8> {
    let length = u32::try_from(entry.len()).unwrap().to_le_bytes();
    [&MAGIC[0][..], &MAGIC[1], &length, entry].concat()
}

/// As criu writes them: inheritable 1, permitted 2, effective 4, bounding 8 and the lowest of the second word.
fn credentials() -> Vec<u8> {
    let sets =
        [(1, 0), (9, 1), (9, 0), (10, 2), (10, 0), (11, 4), (11, 0), (12, 8), (12, 1), (13, 0)];
    sets.map(|(field, value)| number_field(field, value)).concat()
}

fn of_credentials(credentials: &[u8]) -> Option<String> {
    let thread = [number_field(1, 7), message(10, credentials)].concat();
    let entry = [number_field(1, 1), message(5, &thread)].concat();
    of_task(&image(&entry)).map(|sets| sets.all().to_string())
}

#[test]
fn a_task_holds_what_is_in_any_of_its_sets() {
    let all = "CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_DAC_READ_SEARCH,CAP_FOWNER,CAP_MAC_OVERRIDE";
    assert_eq!(of_credentials(&credentials()).as_deref(), Some(all));
    let ambient = [credentials(), number_field(19, 32), number_field(19, 0)].concat();
    let more = of_credentials(&ambient).unwrap();
    assert_eq!(more, all.replace("CAP_FOWNER,", "CAP_FOWNER,CAP_KILL,"));
}

#[test]
fn what_is_not_as_criu_writes_it_is_refused() {
    assert_eq!(of_credentials(&[]), None, "without a set");
    for field in [9, 10, 11, 12, 19] {
        let third = [credentials(), number_field(field, 1)].concat();
        assert_eq!(of_credentials(&third), None, "{field}");
        let packed = [credentials(), vec![field << 3 | 2, 1, 1]].concat();
        if field < 16 {
            assert_eq!(of_credentials(&packed), None, "{field}");
        }
    }
    let thread = message(10, &credentials());
    let whole = message(5, &thread);
    assert!(of_task(&image(&whole)).is_some());
    for entry in [
        [whole.clone(), message(5, &[])].concat(),
        message(5, &[thread.clone(), message(10, &[])].concat()),
        [whole.clone(), vec![0x80]].concat(),
        message(4, &thread),
    ] {
        assert_eq!(of_task(&image(&entry)), None, "{entry:?}");
    }
    let image = image(&whole);
    assert_eq!(of_task(&[&image[..], &[0]].concat()), None);
    assert_eq!(of_task(&image[4..]), None);
    // A word of more than 32 bits, and a number of more than 64.
    let wide =
        [&credentials()[..credentials().len() - 4], &[12 << 3, 0xff, 0xff, 0xff, 0xff, 0x7f]];
    assert_eq!(of_credentials(&wide.concat()), None);
    let endless = [&credentials()[..], &[8], &[0xff; 10], &[1]].concat();
    assert_eq!(of_credentials(&endless), None);
}

#[test]
fn every_thread_of_a_checkpoint_counts() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(held(folder.path()), Err(CheckpointError::Empty(_))));
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    };
    let of = |sets: [u8; 4]| {
        let fields = [9, 10, 11, 12].into_iter().zip(sets);
        let fields =
            fields.map(|(field, set)| [number_field(field, set), number_field(field, 0)].concat());
        image(&message(5, &message(10, &fields.collect::<Vec<_>>().concat())))
    };
    write("core-1.img", &of([0, 1, 0, 0]));
    write("core-7.img", &of([0, 0, 0, 32]));
    write("inventory.img", b"something else");
    assert_eq!(held(folder.path()).unwrap().all().to_string(), "CAP_CHOWN,CAP_KILL");
    write("core-8.img", b"");
    assert!(matches!(held(folder.path()), Err(CheckpointError::Image(_))));
    std::fs::remove_file(folder.path().join("core-8.img")).unwrap();
    std::os::unix::fs::symlink("core-1.img", folder.path().join("core-8.img")).unwrap();
    assert!(matches!(held(folder.path()), Err(CheckpointError::File(_))));
}

proptest! {
    /// Whatever the bytes are, and wherever an image was changed, it is told or refused.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>()) {
        let _ = of_task(&image(&bytes));
        let mut whole = image(&message(5, &message(10, &credentials())));
        let at = at.index(whole.len());
        whole[at] ^= bytes.first().copied().unwrap_or(1);
        let _ = of_task(&whole);
    }
}
