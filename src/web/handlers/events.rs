//! The list of events. It is written as it is found: first the frame, then the rows, the newest first, at last the
//! histogram, which takes longest. The style sheet places it above the rows.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::archive::TableKind;
use crate::page::{
    Asked, Bar, EventsEnd, EventsPage, Fault, Histogram, Section, events_begin, events_end,
    events_row, unit_for,
};
use crate::query::archive::{Bars, Before, Conditions, Found, Unit, record_columns};
use crate::view::Emitted;
use crate::web::app::Web;
use crate::web::error_words::in_words;
use crate::web::reader::Reader;
use crate::web::respond::{Answer, see_other, streamed};
use crate::web::snapshot::Snapshot;

/// How many rows a page has.
const ROWS: usize = 50;

/// The list of events.
pub(in crate::web) async fn events(State(web): State<Web>, reader: Reader) -> Response {
    let asked = Asked::of_query(&reader.query);
    if asked.is_form() {
        return see_other(&format!("/events?{}", asked.query()));
    }
    let conditions = web.conditions(&asked, &reader);
    let status = match conditions {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::BAD_REQUEST,
    };
    let threads = match &conditions {
        Ok(conditions) => web.threads_for(conditions),
        Err(_) => Handle::current(),
    };
    streamed(status, &threads, async move |answer| {
        write(&web, &reader, &asked, conditions, &answer).await;
    })
}

async fn write(
    web: &Web,
    reader: &Reader,
    asked: &Asked,
    conditions: Result<Conditions, Vec<Fault>>,
    answer: &Answer,
) {
    let words = reader.language.words();
    let (conditions, faults) = match conditions {
        Ok(conditions) => (Some(conditions), Vec::new()),
        Err(faults) => (None, faults),
    };
    let page = EventsPage {
        asked,
        faults: &faults,
        words,
        zone: &reader.zone,
        live_since_ms: conditions.as_ref().and_then(live_since_ms),
    };
    let (before, after) = reader.frame(words.events, Section::Events).around();
    if !answer.write(before + &events_begin(&page)).await {
        return;
    }
    let mut listing = Listing::default();
    if let Some(conditions) = conditions
        && let Err(problem) = listing.run((web, reader), &page, &conditions, answer).await
    {
        listing.end.problem = Some(problem);
    }
    listing.end.last = listing.last.filter(|_| listing.has_more);
    let _ = answer.write(events_end(&page, &listing.end) + &after).await;
}

/// The current time, if events that come now meet the conditions.
fn live_since_ms(conditions: &Conditions) -> Option<i64> {
    let now_ms = Timestamp::now().as_millisecond();
    let is_live =
        conditions.before.is_none() && conditions.to_ms.is_none_or(|to_ms| to_ms > now_ms);
    is_live.then_some(now_ms)
}

/// What was found.
#[derive(Default)]
struct Listing {
    has_more: bool,
    last: Option<Before>,
    end: EventsEnd,
}

impl Listing {
    async fn run(
        &mut self,
        (web, reader): (&Web, &Reader),
        page: &EventsPage<'_>,
        conditions: &Conditions,
        answer: &Answer,
    ) -> Result<(), String> {
        let snapshot = web.snapshot(reader.user()?).await?;
        self.end.notes = snapshot.notes(reader.language);
        let Some((unit, asked_ms)) = bars_of(&snapshot, conditions) else {
            return Ok(());
        };
        let mut bars = Bars::new(unit);
        let turn = web.search_turn(conditions).await;
        self.rows(&snapshot, page, conditions, &mut bars, answer)
            .await?;
        drop(turn);
        let _turn = web.count_turn(conditions).await;
        // The bars are of the whole question, also those of earlier pages.
        let of_all = Conditions {
            before: None,
            ..conditions.clone()
        };
        let counted = snapshot
            .engine
            .count_bars(TableKind::Events, &of_all, &mut bars);
        counted.await.map_err(|error| in_words(&error))?;
        self.end.histogram = Some(Histogram {
            unit,
            bars: bars
                .iter()
                .map(|(begin_ms, count)| Bar { begin_ms, count })
                .collect(),
            asked_ms,
        });
        Ok(())
    }

    async fn rows(
        &mut self,
        snapshot: &Arc<Snapshot>,
        page: &EventsPage<'_>,
        conditions: &Conditions,
        bars: &mut Bars,
        answer: &Answer,
    ) -> Result<(), String> {
        let mut columns = record_columns(TableKind::Events).to_vec();
        columns.push("time");
        let mut failed = None;
        let mut found = |found: &Found| match self.found(found, page, answer) {
            Ok(next) => next,
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        };
        snapshot
            .engine
            .newest_and_bars(
                TableKind::Events,
                conditions,
                ROWS + 1,
                &columns,
                bars,
                &mut found,
            )
            .await
            .map_err(|error| in_words(&error))?;
        failed.map_or(Ok(()), Err)
    }

    /// Writes rows as they are found.
    fn found(
        &mut self,
        found: &Found,
        page: &EventsPage<'_>,
        answer: &Answer,
    ) -> Result<ControlFlow<()>, String> {
        let times = found.rows.columns().last();
        let times = times.map(|times| times.as_primitive::<TimestampMicrosecondType>());
        let (mut out, mut row) = (String::new(), 0);
        let next = found.each_record(TableKind::Events, &mut |record| {
            if self.end.count == ROWS {
                self.has_more = true;
                return ControlFlow::Break(());
            }
            self.end.count += 1;
            self.last = times.map(|times| Before {
                time_us: times.value(row),
                topic: record.position.topic.to_owned(),
                partition: record.position.partition.0,
                offset: record.position.offset.0,
            });
            row += 1;
            out.push_str(&events_row(page, &Emitted::new(record.clone())));
            ControlFlow::Continue(())
        });
        let next = next.map_err(|error| in_words(&error))?;
        match answer.write_blocking(out) {
            true => Ok(next),
            false => Ok(ControlFlow::Break(())),
        }
    }
}

/// The width of the bars, and the time that is asked for, in milliseconds since the Unix epoch, where it has a beginning;
/// `None` if there are no events.
pub(super) fn bars_of(
    snapshot: &Snapshot,
    conditions: &Conditions,
) -> Option<(Unit, Option<(i64, i64)>)> {
    let (first_ms, last_ms) = snapshot.engine.span_ms(TableKind::Events)?;
    let now_ms = Timestamp::now().as_millisecond();
    let asked_ms = conditions
        .from_ms
        .map(|from_ms| (from_ms, conditions.to_ms.unwrap_or(now_ms)));
    let all_ms = (first_ms, conditions.to_ms.unwrap_or(last_ms).min(last_ms));
    let (from_ms, to_ms) = asked_ms.unwrap_or(all_ms);
    Some((unit_for(from_ms, to_ms), asked_ms))
}
