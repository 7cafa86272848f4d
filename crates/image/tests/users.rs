//! `--user` as engines understand it.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use dropcap_image::{User, UserError, Users};

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash

sandbox:x:1000:1001:An agent:/home/sandbox:/bin/bash
again:x:1000:7::/:
1234:x:55:55::/:
broken:x:many
far:x:3000000000:3000000000::/:
";

const GROUP: &str = "\
root:x:0:
# a comment:x:9:sandbox
 tty:x:5:sandbox,other
docker:x:998:sandbox
video:x:44:again
";

fn user(uid: u32, gid: u32, groups: &[u32]) -> Result<User, UserError> {
    Ok(User { uid, gid, groups: groups.to_vec() })
}

#[test]
fn every_spelling_of_a_user() {
    let users = Users::parse(PASSWD, GROUP);
    for (written, expected) in [
        ("sandbox", user(1000, 1001, &[5, 998])),
        // The first account with the id gives its group and the groups that list its name.
        ("1000", user(1000, 1001, &[5, 998])),
        ("again", user(1000, 7, &[44])),
        // With a group named, nothing supplementary.
        ("sandbox:docker", user(1000, 998, &[])),
        ("sandbox:12", user(1000, 12, &[])),
        ("4242", user(4242, 0, &[])),
        ("4242:tty", user(4242, 5, &[])),
        ("", user(0, 0, &[])),
        (":tty", user(0, 5, &[])),
        // A number is an id, whatever account bears it as its name.
        ("1234", user(1234, 0, &[])),
        // What is missing in a line counts as 0.
        ("broken", user(0, 0, &[])),
        ("far", user(3_000_000_000, 3_000_000_000, &[])),
        ("nobody", Err(UserError::NoSuchUser("nobody".to_owned()))),
        ("sandbox:wheel", Err(UserError::NoSuchGroup("wheel".to_owned()))),
        ("-1", Err(UserError::OutOfRange("-1".to_owned()))),
        ("2147483648", Err(UserError::OutOfRange("2147483648".to_owned()))),
        ("0:99999999999999999999", Err(UserError::OutOfRange("99999999999999999999".to_owned()))),
    ] {
        assert_eq!(users.resolve(written), expected, "{written}");
    }
}

#[test]
fn an_image_without_the_files_knows_numbers_only() {
    let users = Users::default();
    assert_eq!(users.resolve(""), user(0, 0, &[]));
    assert_eq!(users.resolve("1000:1000"), user(1000, 1000, &[]));
    assert_eq!(users.resolve("root"), Err(UserError::NoSuchUser("root".to_owned())));
}

#[test]
fn groups_to_add() {
    let users = Users::parse(PASSWD, GROUP);
    assert_eq!(users.resolve_group("docker"), Ok(998));
    assert_eq!(users.resolve_group("4"), Ok(4));
    assert_eq!(users.resolve_group("wheel"), Err(UserError::NoSuchGroup("wheel".to_owned())));
}

#[test]
fn names_of_ids() {
    let users = Users::parse(PASSWD, GROUP);
    assert_eq!(users.name_of(1000), Some("sandbox"));
    assert_eq!(users.name_of(2), None);
}
