//! The pages of an actor and of a resource.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::events::bars_of;
use super::plain::{not_found, unavailable};
use crate::archive::TableKind;
use crate::page::{
    Asked, Bar, Fault, GrantedBy, Grants, Histogram, Profile, ProfileOf, Section, profile_begin,
    profile_grants, profile_problem, profile_values,
};
use crate::query::archive::{Conditions, Facet, FacetValue, Unit};
use crate::sigma::escaped;
use crate::view::Emitted;
use crate::web::answers::{Granted, GrantsQuestion, KnownProfile, ProfileQuestion};
use crate::web::app::Web;
use crate::web::error_words::in_words;
use crate::web::grant_events::GrantEvents;
use crate::web::reader::Reader;
use crate::web::respond::{Answer, streamed};

/// How many values of a column are shown.
const VALUES: usize = 12;

/// How many of them are looked at for operations that give rights.
const MOST_VALUES: usize = 1_000;

/// How many of the newest events are shown in which rights were given or taken away.
const GRANTS: usize = 10;

/// How long a reader waits for the rights that others gave, which may take longer than all the rest.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many ids and how many names of an actor are looked for in them.
const NAMES: usize = 4;

/// The span of time, unless the reader chooses another one.
const SPAN: &str = "30d";

/// What an actor did.
pub(in crate::web) async fn actor(State(web): State<Web>, reader: Reader) -> Response {
    profile(web, reader, ProfileOf::Actor).await
}

/// What was done to a resource.
pub(in crate::web) async fn resource(State(web): State<Web>, reader: Reader) -> Response {
    profile(web, reader, ProfileOf::Resource).await
}

async fn profile(web: Web, reader: Reader, of: ProfileOf) -> Response {
    let name = reader.parameter("id").filter(|name| !name.is_empty());
    let Some(name) = name else {
        return not_found(reader).await;
    };
    let when = match Asked::of_query(&reader.query).when() {
        when if when.is_empty() => SPAN.to_owned(),
        when if when == "all" => String::new(),
        when => when,
    };
    let asked = Asked::default().and(of.attribute().name(), &escaped(&name));
    let Ok(conditions) = web.conditions(&asked.in_span(&when), &reader) else {
        return not_found(reader).await;
    };
    let user = match reader.user() {
        Ok(user) => user,
        Err(why) => return unavailable(&reader, &why),
    };
    let question = ProfileQuestion {
        policy: web.policy_name_of(user),
        of,
        when,
        name,
        zone: reader.zone.clone(),
    };
    streamed(StatusCode::OK, &Handle::current(), async move |answer| {
        let frame = reader.frame(&question.name, Section::Events);
        let (before, after) = frame.around();
        let begin = profile_begin(frame.words(), of, &question.name, &question.when);
        if !answer.write(before + &begin).await {
            return;
        }
        let rest = write((&web, &reader), &question, conditions, &answer).await;
        let rest = rest.unwrap_or_else(|why| profile_problem(reader.language.words(), &why));
        answer.write(rest + &after).await;
    })
}

/// Writes what is known, as it is found; gives what comes last.
async fn write(
    (web, reader): (&Web, &Reader),
    question: &ProfileQuestion,
    conditions: Conditions,
    answer: &Answer,
) -> Result<String, String> {
    let ask = found((web.clone(), reader.clone()), question.clone(), conditions);
    let profiles = &web.0.answers.profiles;
    let known = profiles.get(question.clone(), web.long(ask)).await?;
    let name = &question.name;
    let profile = Profile {
        of: question.of,
        name,
        when: &question.when,
        end_ms: known.end_ms,
        counted_ms: known.counted_ms,
        histogram: known.histogram.as_ref(),
        facets: &known.facets,
        alerts: known.alerts,
    };
    let values = profile_values(reader.frame(name, Section::Events), &profile);
    if !answer.write(values).await || question.of == ProfileOf::Resource {
        return Ok(String::new());
    }
    let names = names(name, &known.facets);
    let others = by_others((web, reader), question.clone(), &names).await?;
    let granted = known.given.iter().chain(others.as_deref());
    let granted = granted.filter(|granted| !granted.events.is_empty());
    let grants = granted.map(|granted| Grants {
        by: granted.by,
        asked: granted.asked.clone(),
        events: granted
            .events
            .iter()
            .map(|event| Emitted::new(event.record()))
            .collect(),
    });
    let grants: Vec<Grants<'_>> = grants.collect();
    let frame = reader.frame(name, Section::Events);
    Ok(profile_grants(frame, &grants, others.is_none()))
}

/// What there is in the archive.
async fn found(
    (web, reader): (Web, Reader),
    question: ProfileQuestion,
    conditions: Conditions,
) -> Result<KnownProfile, String> {
    let snapshot = web.snapshot(reader.user()?).await?;
    let engine = &snapshot.engine;
    let bars = bars_of(&snapshot, &conditions);
    let unit = bars.map_or(Unit::Day, |(unit, _)| unit);
    let columns: Vec<&'static str> = question
        .of
        .columns()
        .iter()
        .map(|(column, _)| *column)
        .collect();
    let facets = engine.facets(
        TableKind::Events,
        &conditions,
        &columns,
        (MOST_VALUES, unit),
    );
    let mut facets = facets.await.map_err(|error| in_words(&error))?;
    let histogram = bars.map(|(unit, asked_ms)| {
        let bars = facets.times.iter();
        let bars = bars.map(|(begin_ms, count)| Bar {
            begin_ms: *begin_ms,
            count: *count,
        });
        Histogram {
            unit,
            bars: bars.collect(),
            asked_ms,
        }
    });
    let alerts = engine.count(TableKind::Alerts, &conditions).await;
    let mut given = None;
    if question.of == ProfileOf::Actor && may_have(&facets.columns, &web.0.grants) {
        let (by, names) = (GrantedBy::Actor, names(&question.name, &facets.columns));
        let asked = by.asked(&web.0.grants, &names, &question.when);
        let conditions = web.conditions(&asked, &reader).map_err(faults)?;
        let events = engine.newest_records(TableKind::Events, &conditions, GRANTS);
        let events = events.await.map_err(|error| in_words(&error))?;
        given = Some(Granted { by, asked, events });
    }
    for facet in &mut facets.columns {
        facet.values.truncate(VALUES);
    }
    let now_ms = Timestamp::now().as_millisecond();
    Ok(KnownProfile {
        end_ms: conditions.to_ms.unwrap_or(now_ms).min(now_ms),
        counted_ms: now_ms,
        histogram,
        facets: facets.columns,
        alerts: alerts.map_err(|error| in_words(&error))? as u64,
        given,
    })
}

/// Whether an actor with these values may have given rights: its operations are known, unless they are very many.
fn may_have(facets: &[Facet], grants: &[String]) -> bool {
    let mut facets = facets.iter().filter(|facet| facet.column == "operation");
    facets.any(|facet| {
        let is_grant = |value: &FacetValue| {
            let mut grants = grants.iter();
            grants.any(|grant| grant.eq_ignore_ascii_case(&value.value))
        };
        facet.distinct > facet.values.len() || facet.values.iter().any(is_grant)
    })
}

/// The rights that others gave an actor with these names, or took from it; `None` while they are looked for, for whoever asks
/// next.
async fn by_others(
    (web, reader): (&Web, &Reader),
    of_actor: ProfileQuestion,
    names: &[String],
) -> Result<Option<Arc<Granted>>, String> {
    let Some(events) = grant_events((web, reader), &of_actor).await? else {
        return Ok(None);
    };
    let by = GrantedBy::Others;
    let asked = by.asked(&web.0.grants, names, &of_actor.when);
    let conditions = web.conditions(&asked, reader).map_err(faults)?;
    let snapshot = web.snapshot(reader.user()?).await?;
    let newest = async move {
        let newest = events.newest(&snapshot.engine, &conditions, GRANTS);
        let events = newest.await?;
        Ok(Granted { by, asked, events })
    };
    let by_others = &web.0.answers.by_others;
    by_others.get(of_actor, web.long(newest)).await.map(Some)
}

/// The events of the time of a profile in which anybody gave or took rights; `None` while they are looked for.
async fn grant_events(
    (web, reader): (&Web, &Reader),
    profile: &ProfileQuestion,
) -> Result<Option<Arc<GrantEvents>>, String> {
    let of_anybody = GrantedBy::anybody(&web.0.grants).in_span(&profile.when);
    let conditions = web.conditions(&of_anybody, reader).map_err(faults)?;
    let question = GrantsQuestion {
        policy: profile.policy.clone(),
        when: profile.when.clone(),
        zone: profile.zone.clone(),
    };
    let answers = &web.0.answers;
    if let Some(known) = answers.grants.known(&question) {
        return Ok(Some(known));
    }
    let Some(turn) = answers.grants_turn.try_take() else {
        return Ok(None);
    };
    let snapshot = web.snapshot(reader.user()?).await?;
    let asking = web.clone();
    let ask = async move {
        let background = &asking.0.background;
        GrantEvents::read(&snapshot.engine, &conditions, background).await
    };
    let web = web.clone();
    // It goes on without this reader.
    let read = tokio::spawn(async move {
        let _turn = turn;
        let read = web.in_background(ask);
        web.0.answers.grants.get(question, read).await
    });
    match timeout(PATIENCE, read).await {
        Ok(known) => known.map_err(|error| error.to_string())?.map(Some),
        Err(_) => Ok(None),
    }
}

/// The ids and names of an actor: what was asked for, and what its events say.
fn names(asked: &str, facets: &[Facet]) -> Vec<String> {
    let named = facets
        .iter()
        .filter(|facet| ["actor_uid", "actor_name"].contains(&facet.column));
    let values = named.flat_map(|facet| facet.values.iter().take(NAMES));
    let mut names = vec![asked.to_owned()];
    names.extend(values.map(|value| value.value.clone()));
    names.sort();
    names.dedup();
    names
}

fn faults(faults: Vec<Fault>) -> String {
    let texts: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
    texts.join("; ")
}
