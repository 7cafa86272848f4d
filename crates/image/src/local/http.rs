//! As much of HTTP as it takes to ask a server on a Unix socket and to read its answer.
//!
//! Version 1.0 is asked for, so the answer ends where the connection does and has no chunks: that is
//! all of a protocol that a client for two questions needs.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

/// All that stands before the body of an answer.
const LONGEST_HEAD: u64 = 64 << 10;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Box<dyn Read>,
}

/// Why there is none.
#[derive(Debug)]
pub enum Error {
    /// Nobody is there, or nobody speaks.
    Silent(io::Error),
    /// Whoever speaks does not speak HTTP.
    Strange(&'static str),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Silent(error)
    }
}

/// Asks for `path`, and waits no longer than `patience` for any part of the answer.
pub fn get(socket: &Path, path: &str, patience: Duration) -> Result<Answer, Error> {
    let question = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: */*\r\n\r\n");
    let mut answer = BufReader::new(connect(socket, &question, patience)?);
    let mut head = (&mut answer).take(LONGEST_HEAD);
    let status = status(&line(&mut head)?).ok_or(Error::Strange("its answer is no HTTP"))?;
    let mut length = None;
    loop {
        let line = line(&mut head)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(Error::Strange("its answer is no HTTP"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(Error::Strange("it answers HTTP 1.0 with a transfer encoding"));
        }
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok();
        }
    }
    let body: Box<dyn Read> = match length {
        Some(length) => Box::new(answer.take(length)),
        None => Box::new(answer),
    };
    Ok(Answer { status, body })
}

/// A line of the head, without its end.
fn line(head: &mut impl BufRead) -> Result<String, Error> {
    let mut bytes = Vec::new();
    head.read_until(b'\n', &mut bytes)?;
    match bytes.strip_suffix(b"\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()),
        None => Err(Error::Strange("its answer ends before it begins")),
    }
}

fn status(line: &str) -> Option<u16> {
    let mut words = line.strip_prefix("HTTP/1.")?.split(' ');
    words.next()?;
    words.next()?.parse().ok()
}

/// Sends `question`; the answer can be read from what is returned.
#[cfg(unix)]
fn connect(socket: &Path, question: &str, patience: Duration) -> io::Result<impl Read + 'static> {
    use std::io::Write;
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(question.as_bytes())?;
    Ok(stream)
}

/// There are no Unix sockets here.
#[cfg(not(unix))]
fn connect(_: &Path, _: &str, _: Duration) -> io::Result<io::Empty> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::status;

    #[test]
    fn the_status_is_the_second_word() {
        assert_eq!(status("HTTP/1.0 200 OK"), Some(200));
        assert_eq!(status("HTTP/1.1 404 Not Found"), Some(404));
        for wrong in ["HTTP/2 200", "HTTP/1.0", "SSH-2.0-x", ""] {
            assert_eq!(status(wrong), None, "{wrong}");
        }
    }
}
