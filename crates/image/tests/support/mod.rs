//! Layers and archives in the making.
#![allow(dead_code, reason = "each test uses some of it")]

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// Revision 2, effective, permitted NET_RAW.
pub const NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A layer.
pub struct Layer(pub Builder<Vec<u8>>);

impl Default for Layer {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Layer {
    pub fn entry(mut self, kind: EntryType, path: &str, mode: u32, ids: (u64, u64)) -> Self {
        self.put(kind, path, "", mode, ids, &[]);
        self
    }

    /// Any entry; names are put in as they are.
    pub fn put(
        &mut self,
        kind: EntryType,
        path: &str,
        link: &str,
        mode: u32,
        (uid, gid): (u64, u64),
        data: &[u8],
    ) {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_mode(mode);
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_size(data.len() as u64);
        header.set_cksum();
        self.0.append(&header, data).unwrap();
    }

    pub fn directory(self, path: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, path, mode, (0, 0))
    }

    pub fn file(self, path: &str, mode: u32) -> Self {
        self.entry(EntryType::Regular, path, mode, (0, 0))
    }

    pub fn text(mut self, path: &str, text: &str) -> Self {
        self.put(EntryType::Regular, path, "", 0o644, (0, 0), text.as_bytes());
        self
    }

    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        self.put(EntryType::Symlink, path, target, 0o777, (0, 0), &[]);
        self
    }

    pub fn hard_link(mut self, path: &str, target: &str, mode: u32) -> Self {
        self.put(EntryType::Link, path, target, mode, (0, 0), &[]);
        self
    }

    /// The next entry has this PAX record.
    pub fn pax(mut self, key: &str, value: &[u8]) -> Self {
        self.0.append_pax_extensions([(key, value)]).unwrap();
        self
    }

    pub fn capable(self, path: &str, capability: &[u8]) -> Self {
        self.pax("SCHILY.xattr.security.capability", capability).file(path, 0o755)
    }

    pub fn done(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// What `docker save` of version 20 to 24 writes: layers in an order that is not theirs, and the
/// manifest last.
pub fn docker_archive(config: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let mut archive = Layer::default();
    for (number, layer) in layers.iter().enumerate().rev() {
        let name = format!("layer{number}/layer.tar");
        archive.put(EntryType::Regular, &name, "", 0o644, (0, 0), layer);
        archive = archive.text(&format!("layer{number}/VERSION"), "1.0");
    }
    let names: Vec<String> =
        (0..layers.len()).map(|number| format!("\"layer{number}/layer.tar\"")).collect();
    let id = "a".repeat(64);
    let manifest = format!(
        r#"[{{"Config":"{id}.json","RepoTags":["example/agent:1"],"Layers":[{}]}}]"#,
        names.join(",")
    );
    archive.text(&format!("{id}.json"), config).text("manifest.json", &manifest).done()
}

/// An OCI layout in `directory`; layers are put in as they come, compressed or not.
pub fn oci_layout(directory: &Path, config: &str, layers: &[Vec<u8>]) {
    let blobs = directory.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let mut number = 0;
    let mut blob = |bytes: &[u8]| {
        number += 1;
        let hex = format!("{number:064x}");
        fs::write(blobs.join(&hex), bytes).unwrap();
        format!(
            r#"{{"mediaType":"application/octet-stream","size":{},"digest":"sha256:{hex}"}}"#,
            bytes.len()
        )
    };
    let config = blob(config.as_bytes());
    let layers: Vec<String> = layers.iter().map(|layer| blob(layer)).collect();
    let manifest =
        format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    let manifest = blob(manifest.as_bytes());
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{manifest}]}}"#);
    fs::write(directory.join("index.json"), index).unwrap();
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With the compressor that ruzstd brings.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    ruzstd::encoding::compress_to_vec(bytes, level)
}
