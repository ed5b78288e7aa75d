//! The files that the page needs beside its HTML. They are compiled in, and their names contain a hash of their content,
//! so that browsers keep them for good.

use std::io::Write;
use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::page::Assets;

/// A file.
struct Asset {
    url: String,
    kind: &'static str,
    content: &'static str,
    compressed: Bytes,
}

impl Asset {
    fn new(name: &str, kind: &'static str, content: &'static str) -> Asset {
        let hash = HEXLOWER.encode(&Sha256::digest(content)[..8]);
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing into memory does not fail.
        let compressed = encoder
            .write_all(content.as_bytes())
            .and_then(|()| encoder.finish());
        Asset {
            url: format!("/assets/{stem}.{hash}.{extension}"),
            kind,
            content,
            compressed: compressed.unwrap_or_default().into(),
        }
    }
}

/// The files.
pub(super) struct Files {
    style: Asset,
    script: Asset,
    icon: Asset,
}

/// The files, compressed once.
pub(super) static ASSETS: LazyLock<Files> = LazyLock::new(|| Files {
    style: Asset::new(
        "page.css",
        "text/css; charset=utf-8",
        include_str!("assets/page.css"),
    ),
    script: Asset::new(
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("assets/page.js"),
    ),
    icon: Asset::new("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
});

impl Files {
    /// Where they are found.
    pub(super) fn urls(&'static self) -> Assets {
        Assets {
            style: &self.style.url,
            script: &self.script.url,
            icon: &self.icon.url,
        }
    }

    /// The file with this URL.
    pub(super) fn answer(&self, url: &str, headers: &HeaderMap) -> Response {
        let mut all = [&self.style, &self.script, &self.icon].into_iter();
        let Some(asset) = all.find(|asset| asset.url == url) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let accepted = headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok());
        let always = [
            (header::CONTENT_TYPE, asset.kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "accept-encoding"),
        ];
        match accepted.is_some_and(|accepted| accepted.contains("gzip")) {
            true => {
                let gzip = [(header::CONTENT_ENCODING, "gzip")];
                (always, gzip, asset.compressed.clone()).into_response()
            }
            false => (always, asset.content).into_response(),
        }
    }
}
