//! From what a reader asks to what the query library takes.

use jiff::Timestamp;

use super::app::Web;
use super::reader::Reader;
use crate::archive::TableKind;
use crate::page::{Asked, Clock, Fault};
use crate::query::archive::{Conditions, Unwantable};
use crate::view::RecordKind;

impl Web {
    /// The conditions of a question about events.
    ///
    /// # Errors
    /// Parts of the question are none.
    pub(super) fn conditions(
        &self,
        asked: &Asked,
        reader: &Reader,
    ) -> Result<Conditions, Vec<Fault>> {
        self.conditions_of((TableKind::Events, RecordKind::Event), asked, reader)
    }

    /// The conditions of a question about the records of a table.
    ///
    /// # Errors
    /// Parts of the question are none.
    pub(super) fn conditions_of(
        &self,
        of: (TableKind, RecordKind),
        asked: &Asked,
        reader: &Reader,
    ) -> Result<Conditions, Vec<Fault>> {
        let now = Timestamp::now();
        let clock = Clock {
            now,
            zone: &reader.zone,
        };
        let wanted = asked.wanted(clock)?;
        let conditions = wanted.conditions(of, &self.0.placeholders, now);
        let (conditions, _warnings) = conditions.map_err(fault)?;
        Ok(Conditions {
            before: asked.before().cloned(),
            ..conditions
        })
    }
}

fn fault(error: Unwantable) -> Vec<Fault> {
    let fault = |name, value: Option<String>, message: String| {
        vec![Fault {
            name,
            value: value.unwrap_or_default(),
            message,
        }]
    };
    match error {
        Unwantable::Value {
            attribute,
            given,
            message,
        } => fault(attribute.name(), given, message),
        // The page has words for it.
        Unwantable::NoTime => fault("to", None, String::new()),
        Unwantable::Filter(problems) => {
            let texts: Vec<String> = problems
                .iter()
                .map(|problem| problem.problem.to_string())
                .collect();
            fault("where", None, texts.join("; "))
        }
    }
}
