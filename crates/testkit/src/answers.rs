//! A server on a Unix socket that answers what it was told to: an engine as far as a client sees, for
//! what no real one does.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

/// Answers each question for `path` with these bytes, head and all, and every other one with 404. It
/// ends with the test's process.
///
/// # Panics
/// Where the socket cannot be made.
pub fn serve(socket: &Path, answers: Vec<(String, Vec<u8>)>) {
    let listener = UnixListener::bind(socket).expect("a socket");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever asks may hang up before the end.
            let _ = answer(stream, &answers);
        }
    });
}

fn answer(mut stream: UnixStream, answers: &[(String, Vec<u8>)]) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let question = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = question.split(' ').nth(1).unwrap_or_default();
    let none = b"HTTP/1.0 404 Not Found\r\n\r\n{\"message\":\"no such image\"}".to_vec();
    let found = answers.iter().find(|(known, _)| known == path).map_or(&none, |(_, bytes)| bytes);
    stream.write_all(found)
}

/// An answer with status 200 and this body.
pub fn ok(body: &[u8]) -> Vec<u8> {
    [b"HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n", body].concat()
}
