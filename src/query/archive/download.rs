//! Rows as CSV, as JSON or as Parquet, written as they come, and the manifest of a download: what was asked, how many
//! rows there are, and the hash of the file.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use serde_json::json;
use sha2::{Digest, Sha256};

/// A form in which rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a line of names (RFC 4180); lists as JSON, bytes as hexadecimal digits. Null is an empty
    /// cell, and an empty text is two quotation marks.
    Csv,
    /// A line of JSON for each row.
    Json,
    /// Apache Parquet, compressed with zstd.
    Parquet,
}

/// Rows cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file or stream does not take them.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They cannot be written in this form.
    #[error(transparent)]
    Arrow(ArrowError),
    /// They cannot be written as Parquet.
    #[error(transparent)]
    Parquet(ParquetError),
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> WriteError {
        match error {
            ArrowError::IoError(_, error) => WriteError::Io(error),
            error => WriteError::Arrow(error),
        }
    }
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> WriteError {
        match error {
            ParquetError::External(error) => match error.downcast::<io::Error>() {
                Ok(error) => WriteError::Io(*error),
                Err(error) => WriteError::Parquet(ParquetError::External(error)),
            },
            error => WriteError::Parquet(error),
        }
    }
}

/// Writes rows in some form.
pub struct RowWriter<W: Write + Send> {
    rows: u64,
    form: Form<Noted<W>>,
    failure: Arc<Mutex<Option<io::Error>>>,
}

enum Form<W: Write + Send> {
    Csv(W),
    Json(LineDelimitedWriter<W>),
    Parquet(Box<ArrowWriter<W>>),
}

/// A writer that notes why it failed, because the writers above it turn errors into texts.
struct Noted<W> {
    out: W,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl<W> Noted<W> {
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = Some(io::Error::new(error.kind(), error.to_string()));
        })
    }
}

impl<W: Write> Write for Noted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

impl<W: Write + Send> RowWriter<W> {
    /// Writes rows with these columns to `out`.
    ///
    /// # Errors
    /// `out` does not take the beginning.
    pub fn new(format: Format, columns: &SchemaRef, out: W) -> Result<RowWriter<W>, WriteError> {
        let failure = Arc::new(Mutex::new(None));
        let out = Noted {
            out,
            failure: failure.clone(),
        };
        let form = match format {
            Format::Csv => {
                let mut out = out;
                let names = columns
                    .fields()
                    .iter()
                    .map(|field| Some(field.name().as_str()));
                write_line(names, &mut out)?;
                Form::Csv(out)
            }
            Format::Json => Form::Json(LineDelimitedWriter::new(out)),
            Format::Parquet => {
                let zstd = Compression::ZSTD(Default::default());
                let properties = WriterProperties::builder().set_compression(zstd).build();
                let writer = ArrowWriter::try_new(out, columns.clone(), Some(properties))?;
                Form::Parquet(Box::new(writer))
            }
        };
        Ok(RowWriter {
            rows: 0,
            form,
            failure,
        })
    }

    /// Write some rows.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), WriteError> {
        self.rows += rows.num_rows() as u64;
        let written = match &mut self.form {
            Form::Csv(out) => write_lines(&flat(rows)?, out),
            Form::Json(writer) => writer.write(rows).map_err(WriteError::from),
            Form::Parquet(writer) => writer.write(rows).map_err(WriteError::from),
        };
        written.map_err(|error| {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.take().map_or(error, WriteError::Io)
        })
    }

    /// Ends the file; where it was written, and how many rows it has.
    ///
    /// # Errors
    /// The end cannot be written.
    pub fn finish(self) -> Result<(W, u64), WriteError> {
        let out = match self.form {
            Form::Csv(out) => out,
            Form::Json(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
            Form::Parquet(writer) => writer.into_inner()?,
        };
        Ok((out.out, self.rows))
    }
}

/// Writes rows as lines of comma-separated values.
fn write_lines(rows: &RecordBatch, out: &mut dyn Write) -> Result<(), WriteError> {
    let options = FormatOptions::default();
    let columns = rows.columns().iter();
    let formatters = columns.map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let formatters = formatters.collect::<Result<Vec<_>, ArrowError>>()?;
    let nulls: Vec<_> = rows.columns().iter().map(Array::logical_nulls).collect();
    for row in 0..rows.num_rows() {
        let columns = nulls.iter().zip(&formatters);
        let cells = columns.map(|(nulls, formatter)| {
            let is_there = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
            is_there
                .then(|| formatter.value(row).try_to_string())
                .transpose()
        });
        let cells = cells.collect::<Result<Vec<_>, ArrowError>>()?;
        write_line(cells.iter().map(Option::as_deref), out)?;
    }
    Ok(())
}

/// Writes a line of comma-separated values; `None` is null.
fn write_line<'c>(
    cells: impl Iterator<Item = Option<&'c str>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        match cell {
            None => {}
            Some(text) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Some(text) => out.write_all(text.as_bytes())?,
        }
    }
    out.write_all(b"\n")
}

/// The same rows with texts in place of lists and other values of several parts, which CSV does not have.
fn flat(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, column)| {
        if !field.data_type().is_nested() {
            return Ok((field.clone(), column.clone()));
        }
        let text = texts(column)?;
        let field = Field::new(field.name(), DataType::Utf8, true);
        Ok((Arc::new(field), Arc::new(text) as ArrayRef))
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let (fields, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The values as JSON, as the lists of a line of JSON have it.
fn texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    let field = Field::new("v", column.data_type().clone(), true);
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column.clone()])?;
    let mut out = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut out);
    writer.write(&rows)?;
    writer.finish()?;
    let text = String::from_utf8_lossy(&out);
    // Each line is `{"v":…}`, or `{}` for null.
    let values = text
        .lines()
        .map(|line| line.strip_prefix(r#"{"v":"#)?.strip_suffix('}'));
    Ok(values.collect())
}

/// The cells of rows as texts, null as `None`: what a table for people shows.
///
/// # Errors
/// A column has a type that cannot be shown.
pub fn cells(rows: &RecordBatch) -> Result<Vec<Vec<Option<String>>>, ArrowError> {
    let options = FormatOptions::default()
        .with_display_error(false)
        .with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.3f%:z"));
    let columns = rows.columns().iter();
    let columns = columns.map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let formatters = columns.collect::<Result<Vec<_>, _>>()?;
    let nulls: Vec<_> = rows.columns().iter().map(Array::logical_nulls).collect();
    let cell = |row: usize, column: usize| {
        let nulls = nulls[column].as_ref();
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(None);
        }
        let text = formatters[column].value(row).try_to_string()?;
        let is_time = matches!(rows.column(column).data_type(), DataType::Timestamp(..));
        Ok(Some(
            match text.strip_suffix("+00:00").filter(|_| is_time) {
                Some(time) => format!("{time}Z"),
                None => text,
            },
        ))
    };
    let row = |row| {
        (0..formatters.len())
            .map(|column| cell(row, column))
            .collect()
    };
    (0..rows.num_rows()).map(row).collect()
}

/// A writer that hashes and counts what goes through it.
pub struct Hashed<W> {
    out: W,
    sha256: Sha256,
    bytes: u64,
}

impl<W: Write> Hashed<W> {
    /// Hashes what is written to `out`.
    pub fn new(out: W) -> Hashed<W> {
        Hashed {
            out,
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    /// Where was written, and the manifest of what was: a document of JSON.
    pub fn finish(self, file: &str, asked: &str, rows: u64, at: jiff::Timestamp) -> (W, String) {
        let manifest = json!({
            "file": file,
            "query": asked,
            "rows": rows,
            "bytes": self.bytes,
            "sha256": data_encoding::HEXLOWER.encode(&self.sha256.finalize()),
            "created": at.to_string(),
            "watchbell": env!("CARGO_PKG_VERSION"),
        });
        (self.out, format!("{manifest:#}\n"))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
