//! Where each source stands, what was read of it, from the ledger, and the newest dead letters.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::join;
use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::plain::unavailable;
use crate::config::Role;
use crate::kafka::Stored;
use crate::page::{DayRead, NewestLetters, Section, SourceRead, SourcesPage, WEEKS, sources_page};
use crate::pipeline::Content;
use crate::query::archive::Engine;
use crate::query::{Letter, Receipts};
use crate::web::app::Web;
use crate::web::error_words::in_words;
use crate::web::login::user::User;
use crate::web::reader::Reader;
use crate::web::respond::html;

/// How many of the newest dead letters are shown.
const LETTERS: usize = 50;

/// The page of the sources.
pub(in crate::web) async fn sources(
    State(web): State<Web>,
    user: User,
    reader: Reader,
) -> Response {
    let (found, standings) = join(found(&web, &user), web.0.standings.now()).await;
    let (sources, letters) = match found {
        Ok(found) => found,
        Err(why) => return unavailable(&reader, &why),
    };
    let chosen = reader.parameter("source").zip(reader.parameter("day"));
    let chosen = chosen
        .as_ref()
        .and_then(|(source, day)| Some((&**source, day.parse().ok()?)));
    let (letters, receipts) = letters;
    let letters: Vec<Letter<'_>> = letters
        .iter()
        .filter_map(|stored| Letter::read(stored.record()))
        .collect();
    let page = SourcesPage {
        sources: &sources,
        standings: &standings,
        chosen,
        may_verify: user.may(Role::Admin),
        dead_letters: NewestLetters {
            letters: &letters,
            receipts: &receipts,
            topic: &web.0.config.outputs.of(Content::DeadLetters).topic,
            may_retry: user.may(Role::Admin) && !web.hides_from(&user),
        },
        today: today(),
        has_ledger: web.0.has_archive,
    };
    let words = reader.language.words();
    let frame = reader.frame(words.sources, Section::Sources);
    html(StatusCode::OK, sources_page(frame, &page))
}

pub(super) type Sources = BTreeMap<String, SourceRead>;

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// What the ledger says, and the newest dead letters with the receipts of those that were retried.
async fn found(web: &Web, user: &User) -> Result<(Sources, (Vec<Stored>, Receipts)), String> {
    let snapshot = web.snapshot(user).await?;
    let _permit = web.permit().await;
    let engine = &snapshot.engine;
    let mut sources = read(engine).await.map_err(|error| in_words(&error))?;
    for (name, source) in &mut sources {
        source.verdicts = web.0.verifications.of(name);
    }
    let topic = &web.0.config.outputs.of(Content::DeadLetters).topic;
    let letters = engine.newest_letters(topic, LETTERS);
    let letters = letters.await.map_err(|error| in_words(&error))?;
    Ok((sources, letters))
}

/// What the ledger says of the last weeks.
pub(super) async fn read(engine: &Engine) -> datafusion::common::Result<Sources> {
    let from = today().saturating_sub((WEEKS * 7).days());
    let query = format!(
        "SELECT source, day, sum(records) FILTER (WHERE kind = 'run'), sum(events) FILTER (WHERE kind = 'run'), \
         sum(dead_letters) FILTER (WHERE kind = 'run'), count(*) FILTER (WHERE kind = 'gap'), max(time) \
         FROM ledger WHERE day >= DATE '{from}' AND source IS NOT NULL GROUP BY source, day"
    );
    let mut sources = Sources::new();
    for batch in engine.sql(&query).await?.collect().await? {
        add(&batch, &mut sources);
    }
    Ok(sources)
}

fn add(rows: &RecordBatch, sources: &mut Sources) {
    let names = rows.column(0).as_string_view();
    let days = rows.column(1).as_primitive::<Date32Type>();
    let counts = [2, 3, 4, 5].map(|number| rows.column(number).as_primitive::<Int64Type>());
    let times = rows.column(6).as_primitive::<TimestampMicrosecondType>();
    for row in 0..rows.num_rows() {
        let source = sources.entry(names.value(row).to_owned()).or_default();
        let since_epoch = i64::from(days.value(row)).days();
        let Ok(day) = date(1970, 1, 1).checked_add(since_epoch) else {
            continue;
        };
        let [records, events, dead_letters, gaps] =
            counts.map(|counts| match counts.is_valid(row) {
                true => counts.value(row).unsigned_abs(),
                false => 0,
            });
        let read = DayRead {
            records,
            events,
            dead_letters,
            gaps,
        };
        source.days.insert(day, read);
        source.last_ms = source.last_ms.max(times.value(row).div_euclid(1_000));
    }
}
