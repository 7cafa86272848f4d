//! Mounts as `docker` and Compose write them.

use std::ops::Range;

use crate::Mount;

/// `[SOURCE:]TARGET[:OPTIONS]`. Source: the Compose specification, "Short syntax"; docker-run(1), `-v`.
pub(crate) fn short(text: &str, span: Range<usize>) -> Mount {
    let fields = fields(text);
    let (source, target, options) = match fields.as_slice() {
        [target] => ("", *target, ""),
        [source, target] => (*source, *target, ""),
        [source, target, options, ..] => (*source, *target, *options),
        [] => ("", "", ""),
    };
    Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        bind: is_host_path(source),
        read_only: options.split(',').any(|option| option == "ro" || option == "readonly"),
        tmpfs: false,
        span,
    }
}

/// `TARGET[:OPTIONS]`, as `tmpfs:` and `--tmpfs` take it.
pub(crate) fn tmpfs(text: &str, span: Range<usize>) -> Mount {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    Mount {
        source: String::new(),
        target: target.to_owned(),
        bind: false,
        read_only: options.split(',').any(|option| option == "ro"),
        tmpfs: true,
        span,
    }
}

/// What `use_api_socket: true` mounts.
pub(crate) fn api_socket(span: Range<usize>) -> Mount {
    let socket = "/var/run/docker.sock".to_owned();
    Mount {
        source: socket.clone(),
        target: socket,
        bind: true,
        read_only: false,
        tmpfs: false,
        span,
    }
}

/// The long form: a mapping in Compose, `key=value,...` for `--mount`.
#[derive(Default)]
pub(crate) struct Long {
    pub kind: Option<String>,
    pub source: Option<String>,
    pub target: Option<String>,
    pub read_only: bool,
}

impl Long {
    pub(crate) fn mount(self, span: Range<usize>) -> Mount {
        let kind = self.kind.as_deref().unwrap_or("volume");
        Mount {
            bind: matches!(kind, "bind" | "npipe"),
            tmpfs: kind == "tmpfs",
            source: self.source.unwrap_or_default(),
            target: self.target.unwrap_or_default(),
            read_only: self.read_only,
            span,
        }
    }

    /// `type=bind,source=/a,target=/b,readonly`. Source: docker-run(1), `--mount`.
    pub(crate) fn parse(text: &str) -> Self {
        let mut long = Self::default();
        for field in text.split(',') {
            let (key, value) = field.split_once('=').unwrap_or((field, "true"));
            match key.trim().to_ascii_lowercase().as_str() {
                "type" => long.kind = Some(value.to_owned()),
                "source" | "src" => long.source = Some(value.to_owned()),
                "target" | "dst" | "destination" => long.target = Some(value.to_owned()),
                "readonly" | "ro" => long.read_only = matches!(value, "true" | "1"),
                _ => {}
            }
        }
        long
    }
}

/// Divides at colons, except those within `${...}` and behind a Windows drive letter.
fn fields(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut fields = Vec::new();
    let mut start = 0;
    let mut braces = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            b':' if braces == 0 => {
                let drive = at == start + 1
                    && bytes[start].is_ascii_alphabetic()
                    && matches!(bytes.get(at + 1), Some(b'\\' | b'/'));
                // `a:/b` on Linux is the volume `a`; a drive is a capital by custom.
                if !(drive && bytes[start].is_ascii_uppercase()) {
                    fields.push(&text[start..at]);
                    start = at + 1;
                }
            }
            _ => {}
        }
    }
    fields.push(&text[start..]);
    fields
}

/// Whether a short form's source is a path and no volume's name. A variable is most often a path
/// (`$PWD`), and taking it for one misses nothing.
fn is_host_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~', '$', '\\'])
        || source.contains(":\\")
        || source.contains(":/")
}

#[cfg(test)]
mod tests {
    use super::{Long, short, tmpfs};

    #[test]
    fn short_mounts() {
        for (text, source, target, bind, read_only) in [
            ("/data", "", "/data", false, false),
            ("db:/data", "db", "/data", false, false),
            ("./x:/y:ro,z", "./x", "/y", true, true),
            ("${PWD:?no}:/w", "${PWD:?no}", "/w", true, false),
            ("C:\\x:/y:rw", "C:\\x", "/y", true, false),
            ("~/a:/b:z,ro", "~/a", "/b", true, true),
        ] {
            let mount = short(text, 0..1);
            assert_eq!(
                (mount.source.as_str(), mount.target.as_str(), mount.bind, mount.read_only),
                (source, target, bind, read_only),
                "{text}"
            );
        }
    }

    #[test]
    fn tmpfs_and_long_mounts() {
        let mount = tmpfs("/run:ro,size=1m", 0..1);
        assert!(mount.tmpfs && mount.read_only && mount.target == "/run");
        let mount = Long::parse("type=bind,src=/a,dst=/b,readonly").mount(0..1);
        assert!(mount.bind && mount.read_only && mount.source == "/a" && mount.target == "/b");
        assert!(!Long::parse("source=v,target=/b").mount(0..1).bind);
    }
}
