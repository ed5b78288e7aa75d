//! The newest alerts of the archive and of the topics' ends, as far as incidents depend on them.

use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};

use crate::archive::TableKind;
use crate::query::archive::{Conditions, Engine, Found};
use crate::sigma::Level;
use crate::triage::{Alert, Mark};

/// How many of the newest alerts are gathered.
pub(super) const MOST_ALERTS: usize = 10_000;

/// The columns on which incidents depend.
const COLUMNS: [&str; 10] = [
    "topic",
    "offset",
    "written",
    "time",
    "group_key",
    "level",
    "rule_id",
    "rule",
    "message",
    "state",
];

/// OCSF `status` of an alert that a suppression keeps from people.
const SUPPRESSED: &str = "Suppressed";

/// The newest alerts.
pub(super) struct NewestAlerts {
    pub(super) alerts: Vec<Alert>,
    /// Whether there are older ones.
    pub(super) is_cut: bool,
}

/// The newest alerts that no suppression keeps from people; `topic` is that of new ones.
pub(super) async fn newest_alerts(engine: &Engine, topic: &Arc<str>) -> Result<NewestAlerts> {
    let mut alerts = Vec::new();
    let (mut read, mut is_readable) = (0, true);
    let mut found = |found: &Found| {
        read += found.rows.num_rows();
        let Some(found) = alerts_of(&found.rows, topic) else {
            is_readable = false;
            return ControlFlow::Break(());
        };
        alerts.extend(found);
        ControlFlow::Continue(())
    };
    let all = Conditions::default();
    engine
        .newest(
            TableKind::Alerts,
            &all,
            Some(MOST_ALERTS),
            &COLUMNS,
            &mut found,
        )
        .await?;
    if !is_readable {
        return exec_err!("a column of the table of alerts has another type");
    }
    Ok(NewestAlerts {
        alerts,
        is_cut: read >= MOST_ALERTS,
    })
}

/// The alerts in these rows, which have the columns of [`COLUMNS`].
fn alerts_of(rows: &RecordBatch, topic: &Arc<str>) -> Option<Vec<Alert>> {
    let text = |number: usize| rows.column(number).as_string_view_opt();
    let time = |number: usize| {
        rows.column(number)
            .as_primitive_opt::<TimestampMicrosecondType>()
    };
    let topics = text(0)?;
    let offsets = rows.column(1).as_primitive_opt::<Int64Type>()?;
    let (written, times) = (time(2)?, time(3)?);
    let (groups, levels, rule_ids) = (text(4)?, text(5)?, text(6)?);
    let (rules, titles, states) = (text(7)?, text(8)?, text(9)?);
    let value = |texts: &StringViewArray, row: usize| match texts.is_valid(row) {
        true => texts.value(row).to_owned(),
        false => String::new(),
    };
    let is_wanted = |row: &usize| states.value(*row) != SUPPRESSED;
    let alert = |row: usize| {
        let time_ms = times.value(row).div_euclid(1_000);
        let written_ms = written
            .is_valid(row)
            .then(|| written.value(row).div_euclid(1_000));
        let group = value(groups, row);
        // What was loaded from a file, or stands in an earlier topic, has offsets of its own, and so incidents of its own.
        // A file's records were written when it was loaded, so the time of the event is taken.
        let (topic, written_ms, group) = match topics.value(row) {
            own if own == &**topic => (topic.clone(), written_ms, group),
            other => (Arc::from(other), None, format!("{group}@{other}")),
        };
        Alert {
            topic,
            mark: Mark {
                offset: offsets.value(row),
                written_ms: written_ms.unwrap_or(time_ms),
            },
            time_ms,
            group,
            level: Level::parse(levels.value(row)),
            rule_id: value(rule_ids, row),
            rule: value(rules, row),
            title: value(titles, row),
        }
    };
    Some((0..rows.num_rows()).filter(is_wanted).map(alert).collect())
}
