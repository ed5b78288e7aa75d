//! What a question finds, whole, as a ZIP archive of the file and its manifest. It is written while it is found.

use std::io::{self, Write};
use std::ops::ControlFlow;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tokio::runtime::Handle;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::plain::{not_found, not_recorded};
use crate::archive::TableKind;
use crate::config::Role;
use crate::page::Asked;
use crate::query::archive::{Conditions, Format, Found, Hashed, RowWriter, record_columns};
use crate::view::{Emitted, printable_json};
use crate::web::app::Web;
use crate::web::audit::{Action, Deed};
use crate::web::error_words::in_words;
use crate::web::login::user::User;
use crate::web::reader::Reader;
use crate::web::respond::{Answer, see_other};

/// Bytes that are sent together.
const PART: usize = 64 * 1024;

/// The forms: as the URL and the ending of the file's name have it.
const FORMS: [(&str, Format); 3] = [
    ("csv", Format::Csv),
    ("ndjson", Format::Json),
    ("parquet", Format::Parquet),
];

/// The file of a question.
pub(in crate::web) async fn download(
    State(web): State<Web>,
    user: User,
    reader: Reader,
) -> Response {
    let form = reader.parameter("format");
    let known = FORMS
        .iter()
        .find(|(name, _)| Some(*name) == form.as_deref());
    let Some((ending, format)) = known else {
        return not_found(reader).await;
    };
    let asked = Asked::of_query(&reader.query).newest();
    let Ok(conditions) = web.conditions(&asked, &reader) else {
        // The list says what is wrong.
        return see_other(&format!("/events?{}", asked.query()));
    };
    let url = format!("/events?{}", asked.query());
    if let Some(refused) = reader.refuse(&user, Role::Responder) {
        web.0
            .audit
            .note(Deed::refused(&user, Action::DOWNLOAD, &url));
        return refused;
    }
    if web
        .0
        .audit
        .record(&user, Action::DOWNLOAD, &url)
        .await
        .is_err()
    {
        return not_recorded(&reader);
    }
    let (answer, body) = Answer::new();
    let now = Timestamp::now();
    let name = format!("events-{}.{ending}", now.strftime("%Y%m%dT%H%M%SZ"));
    let disposition = format!("attachment; filename=\"{name}.zip\"");
    let handle = web.0.background.handle().clone();
    let download = Download {
        web,
        user,
        conditions,
        format: *format,
        name,
        url,
        now,
    };
    tokio::spawn(async move {
        let out = answer.clone();
        let written = handle
            .clone()
            .spawn_blocking(move || download.write(&out, &handle));
        let written = written.await;
        // A fault of the program cuts it off as well.
        if let Err(error) = written.map_err(io::Error::other).flatten() {
            tracing::info!(%error, "a download of the page was cut off");
            // The reader's browser must not take what it has for the whole.
            answer.fail(error).await;
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (StatusCode::OK, headers, body).into_response()
}

struct Download {
    web: Web,
    user: User,
    conditions: Conditions,
    format: Format,
    name: String,
    url: String,
    now: Timestamp,
}

type Zip = ZipWriter<StreamWriter<Parts>>;

impl Download {
    fn write(&self, answer: &Answer, handle: &Handle) -> io::Result<()> {
        let mut zip: Zip = ZipWriter::new_stream(Parts {
            answer: answer.clone(),
            part: Vec::with_capacity(PART),
        });
        let method = match self.format {
            Format::Csv | Format::Json => CompressionMethod::Deflated,
            // It is compressed already.
            Format::Parquet => CompressionMethod::Stored,
        };
        let options = SimpleFileOptions::default().large_file(true);
        zip.start_file(&*self.name, options.compression_method(method))?;
        let (out, rows) = match self.format {
            Format::Json => self.records(Hashed::new(zip), handle)?,
            _ => self.rows(Hashed::new(zip), handle)?,
        };
        let (mut zip, manifest) = out.finish(&self.name, &self.url, rows, self.now);
        zip.start_file(format!("{}.manifest.json", self.name), options)?;
        zip.write_all(manifest.as_bytes())?;
        zip.finish()?.into_inner().flush()
    }

    /// Writes the columns of the rows.
    fn rows(&self, out: Hashed<Zip>, handle: &Handle) -> io::Result<(Hashed<Zip>, u64)> {
        let columns = TableKind::Events.columns().iter().map(|column| column.name);
        let columns: Vec<&str> = columns.collect();
        let schema = crate::query::archive::read_schema(TableKind::Events);
        let mut writer = RowWriter::new(self.format, &schema, out).map_err(io::Error::other)?;
        self.each(&columns, handle, &mut |found| {
            writer.write(&found.rows).map_err(io::Error::other)
        })?;
        writer.finish().map_err(io::Error::other)
    }

    /// Writes the records, each as a line of JSON.
    fn records(&self, mut out: Hashed<Zip>, handle: &Handle) -> io::Result<(Hashed<Zip>, u64)> {
        let mut count = 0;
        let columns = record_columns(TableKind::Events);
        self.each(columns, handle, &mut |found| {
            let mut written = Ok(());
            let each = found.each_record(TableKind::Events, &mut |record| {
                count += 1;
                written = writeln!(out, "{}", line(&Emitted::new(record.clone())));
                match written {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            });
            let _ = each.map_err(io::Error::other)?;
            written
        })?;
        Ok((out, count))
    }

    /// Calls `visit` with the rows, the newest first, until it fails.
    fn each(
        &self,
        columns: &[&str],
        handle: &Handle,
        visit: &mut (dyn FnMut(&Found) -> io::Result<()> + Send),
    ) -> io::Result<()> {
        let mut visited = Ok(());
        let mut found = |found: &Found| {
            visited = visit(found);
            match visited {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        };
        handle.block_on(async {
            let snapshot = self
                .web
                .snapshot(&self.user)
                .await
                .map_err(io::Error::other)?;
            let _turn = self.web.0.downloads.take().await;
            let engine = &snapshot.engine;
            let newest = engine.newest(
                TableKind::Events,
                &self.conditions,
                None,
                columns,
                &mut found,
            );
            newest
                .await
                .map_err(|error| io::Error::other(in_words(&error)))
        })?;
        visited
    }
}

/// The value of a record on one line.
fn line(emitted: &Emitted<'_>) -> String {
    let value = emitted.record.value.unwrap_or_default();
    let text = String::from_utf8_lossy(value);
    match emitted.document() {
        Some(_) => printable_json(&text).into_owned(),
        None => serde_json::Value::from(text).to_string(),
    }
}

/// Sends what is written, some at a time.
struct Parts {
    answer: Answer,
    part: Vec<u8>,
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART));
        match self.answer.write_blocking(Bytes::from(part)) {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "the reader has left",
            )),
        }
    }
}
