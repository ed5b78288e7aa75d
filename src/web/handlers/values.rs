//! The values that the archive has for an attribute: what the filter bar completes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::archive::TableKind;
use crate::page::{FILTERS, known_words};
use crate::query::archive::{Attribute, Conditions, Unit};
use crate::sigma::Pattern;
use crate::web::answers::{KnownValues, ValuesQuestion};
use crate::web::app::Web;
use crate::web::error_words::in_words;
use crate::web::reader::Reader;

/// Most values that are offered.
const VALUES: usize = 20;

/// Most values of an attribute that are remembered; of one with more, the archive is asked with what the reader has written.
const MOST_KNOWN: usize = 20_000;

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

/// The values that contain a text, the most frequent first.
async fn found(
    (web, reader): (&Web, &Reader),
    attribute: Attribute,
    part: &str,
) -> Result<Vec<String>, String> {
    let question = ValuesQuestion {
        policy: web.policy_name_of(reader.user()?),
        of: attribute,
    };
    let asker = || (web.clone(), reader.clone());
    let every = values_of(asker(), attribute, None, MOST_KNOWN);
    let known = web.0.answers.values.get(question, web.long(every)).await?;
    // A reader may write wildcards already.
    let pattern = format!("*{}*", part.replace('\\', r"\\"));
    let contains = Pattern::of(&pattern);
    let known_values = known.values.iter().filter(|value| contains.finds(value));
    let values: Vec<String> = known_values.take(VALUES).cloned().collect();
    if known.are_all || values.len() == VALUES {
        return Ok(values);
    }
    let asked = values_of(asker(), attribute, Some(pattern), VALUES);
    let asked = web.long(asked).await?;
    Ok(asked.values)
}

/// The most frequent values of the newest events or alerts, at most so many; those that fit a pattern, if there is one.
async fn values_of(
    (web, reader): (Web, Reader),
    attribute: Attribute,
    pattern: Option<String>,
    most: usize,
) -> Result<KnownValues, String> {
    let table = match attribute {
        Attribute::Rule => TableKind::Alerts,
        _ => TableKind::Events,
    };
    let snapshot = web.snapshot(reader.user()?).await?;
    let engine = &snapshot.engine;
    let newest_ms = engine.span_ms(table).map(|(_, newest_ms)| newest_ms);
    let fits = pattern.as_deref().map(Pattern::of);
    let conditions = Conditions {
        from_ms: newest_ms.map(|newest_ms| newest_ms - SPAN_MS),
        attributes: pattern
            .map(|pattern| (attribute, vec![pattern]))
            .into_iter()
            .collect(),
        ..Conditions::default()
    };
    let facets = engine.facets(
        table,
        &conditions,
        attribute.columns(table),
        (MOST_KNOWN, Unit::Day),
    );
    let facets = facets.await.map_err(|error| in_words(&error))?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut are_all = true;
    for facet in facets.columns {
        are_all &= facet.distinct <= facet.values.len();
        for value in facet.values {
            if fits.as_ref().is_none_or(|fits| fits.finds(&value.value)) {
                // An id may be a name as well.
                let count = counts.entry(value.value).or_default();
                *count = value.count.max(*count);
            }
        }
    }
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    values.sort_by_key(|(_, count)| Reverse(*count));
    are_all &= values.len() <= most;
    values.truncate(most);
    Ok(KnownValues {
        values: values.into_iter().map(|(value, _)| value).collect(),
        are_all,
    })
}
