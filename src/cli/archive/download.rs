//! An answer as a file: in the form that its name says, complete or not there at all, with a manifest beside it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use crate::cli::failure::Failure;
use crate::cli::say::say;
use crate::query::archive::{Format, Hashed, RowWriter};

/// The form of a file, by its name.
///
/// # Errors
/// The name does not say it.
pub(super) fn form_of(path: &Path) -> Result<(Format, bool), Failure> {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let (stem, is_compressed) = match name.strip_suffix(".gz") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let format = match stem.rsplit_once('.').map(|(_, ending)| ending) {
        Some("csv") => Format::Csv,
        Some("ndjson" | "json" | "jsonl") => Format::Json,
        Some("parquet") if !is_compressed => Format::Parquet,
        _ => {
            return Err(Failure::Usage(format!(
                "--output {}: the name must end in .csv, .ndjson or .parquet; .gz may follow the first two",
                path.display()
            )));
        }
    };
    Ok((format, is_compressed))
}

/// A file that is being written.
pub(super) struct Download {
    path: PathBuf,
    partial: Partial,
    asked: String,
    body: Body,
}

/// A file that is not complete; it is deleted unless it is renamed.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // It was renamed, or there is nothing better to do.
        let _ = fs::remove_file(&self.0);
    }
}

/// What is written to the file: rows, or lines of text.
enum Body {
    Rows(Box<RowWriter<Sink>>),
    Lines(Box<Sink>, u64),
}

/// Where the bytes of a file go.
enum Sink {
    Plain(Hashed<BufWriter<File>>),
    Compressed(Box<GzEncoder<Hashed<BufWriter<File>>>>),
}

impl Download {
    /// Begins a file; `asked` says in the manifest what its rows are. With `columns` it has rows, else lines.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn begin(
        path: &Path,
        columns: Option<&SchemaRef>,
        asked: String,
    ) -> Result<Download, Failure> {
        let (format, is_compressed) = form_of(path)?;
        let partial = path.with_added_extension("partial");
        let file =
            File::create(&partial).with_context(|| format!("write {}", partial.display()))?;
        let partial = Partial(partial);
        let file = Hashed::new(BufWriter::new(file));
        let sink = match is_compressed {
            true => Sink::Compressed(Box::new(GzEncoder::new(file, Compression::default()))),
            false => Sink::Plain(file),
        };
        let body = match columns {
            Some(columns) => {
                let writer = RowWriter::new(format, columns, sink);
                let writer = writer.with_context(|| format!("write {}", path.display()))?;
                Body::Rows(Box::new(writer))
            }
            None => Body::Lines(Box::new(sink), 0),
        };
        Ok(Download {
            path: path.to_owned(),
            partial,
            asked,
            body,
        })
    }

    /// Write rows.
    ///
    /// # Errors
    /// The file does not take them.
    pub(super) fn rows(&mut self, rows: &RecordBatch) -> Result<(), Failure> {
        if let Body::Rows(writer) = &mut self.body {
            let path = self.path.display();
            writer
                .write(rows)
                .with_context(|| format!("write {path}"))?;
        }
        Ok(())
    }

    /// Write a line.
    ///
    /// # Errors
    /// The file does not take it.
    pub(super) fn line(&mut self, line: &str) -> Result<(), Failure> {
        if let Body::Lines(sink, lines) = &mut self.body {
            writeln!(sink, "{line}").with_context(|| format!("write {}", self.path.display()))?;
            *lines += 1;
        }
        Ok(())
    }

    /// Completes the file, and writes the manifest beside it.
    ///
    /// # Errors
    /// They cannot be written.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let written = || format!("write {}", self.path.display());
        let (sink, rows) = match self.body {
            Body::Rows(writer) => writer.finish().with_context(written)?,
            Body::Lines(sink, lines) => (*sink, lines),
        };
        let hashed = match sink {
            Sink::Plain(file) => file,
            Sink::Compressed(file) => file.finish().with_context(written)?,
        };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let (file, manifest) = hashed.finish(&name, &self.asked, rows, Timestamp::now());
        let file = file.into_inner().map_err(io::IntoInnerError::into_error);
        let file = file.with_context(written)?;
        file.sync_all().with_context(written)?;
        let path = self.path.display();
        let beside = self.path.with_added_extension("manifest.json");
        fs::write(&beside, manifest).with_context(|| format!("write {}", beside.display()))?;
        fs::rename(&self.partial.0, &self.path).with_context(|| format!("write {path}"))?;
        say(format_args!(
            "{rows} rows in {path}; {} has their number and the SHA-256 of the file",
            beside.display()
        ));
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Sink::Plain(file) => file.write(bytes),
            Sink::Compressed(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Plain(file) => file.flush(),
            Sink::Compressed(file) => file.flush(),
        }
    }
}
