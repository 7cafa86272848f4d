//! Engines that answer as no engine should: each is an error that says who and what.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use dropcap_image::{ImageError, LocalEngine};
use dropcap_testkit::answers::{ok, serve};
use support::{Layer, docker_archive};

/// What comes of reading `agent` from an engine that says this.
fn read(json: &[u8], get: &[u8]) -> Result<Option<dropcap_image::Image>, ImageError> {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("socket");
    serve(
        &socket,
        vec![
            ("/images/agent/json".to_owned(), json.to_vec()),
            ("/images/agent/get".to_owned(), get.to_vec()),
        ],
    );
    LocalEngine::at(socket).read("agent")
}

fn said(json: &[u8], get: &[u8]) -> String {
    let error = read(json, get).unwrap_err().to_string();
    error.split_once("socket: ").unwrap_or_else(|| panic!("{error}")).1.to_owned()
}

#[test]
fn an_engine_that_answers_wrongly_is_an_error_and_no_image() {
    let description = ok(br#"{"Id":"sha256:77","Config":{}}"#);
    let archive = docker_archive("{}", &[Layer::default().file("x", 0o4755).done()]);
    let image = read(&description, &ok(&archive)).unwrap().unwrap();
    assert_eq!((image.executables.len(), image.digest.as_deref()), (1, Some("sha256:77")));
    // A head may say how much comes; more than that is not read.
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", archive.len());
    assert_eq!(read(&description, &[head.as_bytes(), &archive].concat()).unwrap().unwrap(), image);

    assert_eq!(read(b"HTTP/1.0 404 Not Found\r\n\r\n{}", b"").unwrap(), None);
    let broken = b"HTTP/1.0 500 Internal Server Error\r\n\r\n{\"message\":\"disk \\u001b full\"}";
    assert_eq!(said(broken, b""), "disk \\u{1b} full");
    assert_eq!(said(&description, broken), "disk \\u{1b} full");
    assert_eq!(said(b"SSH-2.0-OpenSSH\r\n", b""), "its answer is no HTTP");
    assert_eq!(said(b"HTTP/1.0 200 OK\r\nnonsense\r\n\r\n", b""), "its answer is no HTTP");
    assert_eq!(said(b"", b""), "its answer ends before it begins");
    let endless = [&b"HTTP/1.0 200 OK\r\nx: "[..], &vec![b'x'; 1 << 20]].concat();
    assert_eq!(said(&endless, b""), "its answer ends before it begins");
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(said(&description, chunked), "it answers HTTP 1.0 with a transfer encoding");
    assert!(said(&ok(b"[]"), b"").starts_with("is not the JSON that it should be"));
    // It dies half-way.
    for end in [0, 100, 1000, archive.len() - 2000] {
        let half = said(&description, &ok(&archive[..end]));
        assert!(half.starts_with("agent: "), "{half}");
    }
}

#[test]
fn where_there_is_no_engine_it_is_said() {
    let place = tempfile::tempdir().unwrap();
    let error = LocalEngine::at(place.path().join("socket")).read("agent").unwrap_err();
    assert!(matches!(error, ImageError::NoEngine(_)), "{error}");
    // What cannot be an image's name is not asked for.
    assert_eq!(LocalEngine::at("/nowhere").read("${IMAGE}").unwrap(), None);
}
