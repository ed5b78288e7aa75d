//! The values that the archive has for an attribute: what the filter bar completes.

use arrow::array::{Array, AsArray};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::archive::TableKind;
use crate::page::{FILTERS, known_words};
use crate::query::archive::{Attribute, Conditions, Grouping};
use crate::web::app::Web;
use crate::web::question::in_words;
use crate::web::reader::Reader;

/// Most values that are offered.
const VALUES: usize = 20;

/// How far back values are looked for.
const SPAN_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// The most frequent values of an attribute that contain a text, as a list of JSON.
pub(in crate::web) async fn values(State(web): State<Web>, reader: Reader) -> Response {
    let name = reader.parameter("of").unwrap_or_default();
    let part = reader.parameter("part").unwrap_or_default();
    let attribute = FILTERS.into_iter().find(|of| of.name() == name);
    let values = match attribute {
        None => Vec::new(),
        Some(attribute) if !known_words(attribute).is_empty() => {
            let known = known_words(attribute).into_iter();
            known.map(str::to_owned).collect()
        }
        Some(attribute) => match found((&web, &reader), attribute, &part).await {
            Ok(values) => values,
            Err(why) => {
                // The reader can write the value all the same.
                tracing::debug!(why, "values cannot be completed");
                Vec::new()
            }
        },
    };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, json!(values).to_string()).into_response()
}

async fn found(
    (web, reader): (&Web, &Reader),
    attribute: Attribute,
    part: &str,
) -> Result<Vec<String>, String> {
    let table = match attribute {
        Attribute::Rule => TableKind::Alerts,
        _ => TableKind::Events,
    };
    let Some(grouping) = Grouping::of_attribute(table, attribute) else {
        return Ok(Vec::new());
    };
    let snapshot = web.snapshot(reader.user()?).await?;
    let _permit = web.permit().await;
    let newest_ms = snapshot
        .engine
        .span_ms(table)
        .map(|(_, newest_ms)| newest_ms);
    let pattern = format!("*{}*", part.replace(['*', '?'], "?"));
    let conditions = Conditions {
        from_ms: newest_ms.map(|newest_ms| newest_ms - SPAN_MS),
        attributes: vec![(attribute, vec![pattern])],
        ..Conditions::default()
    };
    let asked = async {
        let engine = &snapshot.engine;
        let counts = engine
            .count_by(table, &conditions, &[grouping], Some(VALUES))
            .await?;
        counts.collect().await
    };
    let batches = asked.await.map_err(|error| in_words(&error))?;
    let mut values = Vec::new();
    for batch in batches {
        let Some(texts) = batch.column(0).as_string_view_opt() else {
            continue;
        };
        let texts = (0..texts.len())
            .filter(|row| texts.is_valid(*row))
            .map(|row| texts.value(row));
        values.extend(texts.map(str::to_owned));
    }
    Ok(values)
}
