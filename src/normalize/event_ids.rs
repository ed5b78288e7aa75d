//! Finds the ids of the events in a source record, by which their outputs are found.

use std::cell::OnceCell;

use super::container::{Container, Within};
use super::normalizer::Normalized;
use super::read::normalize;
use crate::catalog::Catalogs;
use crate::event::RawRecord;

/// The ids (OCSF `metadata.uid`) of the events in a record, in their order. If the record is a list, `element` selects
/// one of its elements, numbered from 0. There is none for an event without an id, or for a value that cannot be read
/// as an event.
pub fn event_ids(record: &RawRecord<'_>, element: Option<u32>) -> Vec<String> {
    let mut ids = Vec::new();
    collect(record, &Within::default(), element, &mut ids);
    ids
}

/// Appends the ids of the events in a record, which was found within the containers `within`.
fn collect(
    record: &RawRecord<'_>,
    within: &Within<'_>,
    element: Option<u32>,
    ids: &mut Vec<String>,
) {
    let portable = OnceCell::new();
    match &normalize(record, &portable, within, Catalogs::NONE, None) {
        Ok(Normalized::Event(event)) => {
            ids.extend(event.metadata.uid.as_ref().map(ToString::to_string));
        }
        Ok(Normalized::Container(container)) => {
            if let Ok(within) = container.within(record, within) {
                collect_within(record, container, &within, element, ids);
            }
        }
        Err(_) => {}
    }
}

/// Appends the ids of the events in a container, for which `within` are the containers of these events.
fn collect_within(
    record: &RawRecord<'_>,
    container: &Container<'_>,
    within: &Within<'_>,
    element: Option<u32>,
    ids: &mut Vec<String>,
) {
    for (number, text) in (0..).zip(&container.events) {
        if container.is_list && element.is_some_and(|element| element != number) {
            continue;
        }
        collect(&container.record_of(record, text), within, element, ids);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Header, Offset, Partition, Position};

    fn ids(value: &str, headers: Vec<Header<'_>>, element: Option<u32>) -> Vec<String> {
        let position = Position {
            topic: "audit",
            partition: Partition(0),
            offset: Offset(7),
            element: None,
        };
        let record = RawRecord {
            position,
            timestamp_ms: None,
            key: None,
            value: Some(value.as_bytes()),
            headers,
        };
        event_ids(&record, element)
    }

    const EVENT: &str = r#"{"specversion":"1.0","id":"a","source":"s","type":"t","data":7}"#;

    #[test]
    fn the_ids_of_a_records_events_are_found() {
        assert_eq!(ids(EVENT, Vec::new(), None), ["a"]);
        let broken = EVENT.replace("7}", r#"["\ud83d",1e999]}"#);
        assert_eq!(ids(&broken, Vec::new(), None), ["a"]);
        let header = |name, value: &'static str| Header {
            name,
            value: Some(value.as_bytes()),
        };
        let headers = ["specversion", "id", "source", "type"];
        let headers = headers.map(|name| match name {
            "specversion" => header("ce_specversion", "1.0"),
            "id" => header("CE_ID", "h"),
            "source" => header("ce_source", "s"),
            _ => header("ce_type", "t"),
        });
        assert_eq!(ids("[{}]", headers.to_vec(), None), ["h"]);
        assert_eq!(ids("7", headers.to_vec(), None), ["h"]);
        assert!(ids("{\"id\":", Vec::new(), None).is_empty());
    }

    #[test]
    fn the_id_of_one_element_of_a_list_is_found_by_its_number() {
        let second = EVENT.replace("\"a\"", "\"b\"");
        let list = format!("[{EVENT},7,{second}]");
        assert_eq!(ids(&list, Vec::new(), None), ["a", "b"]);
        assert_eq!(ids(&list, Vec::new(), Some(2)), ["b"]);
        assert!(ids(&list, Vec::new(), Some(1)).is_empty());
        assert!(ids(&list, Vec::new(), Some(3)).is_empty());
    }
}
