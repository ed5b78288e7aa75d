//! A record of the client as the pipeline sees it, borrowed from the client's buffer; and headers as
//! the client writes them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{BorrowedMessage, Headers, Message, OwnedHeaders};
use rdkafka::topic_partition_list::TopicPartitionListElem;

use crate::event::{Header, Offset, Partition, Position, RawRecord};

/// The message as a record of `topic`.
pub(crate) fn raw_record<'m>(message: &'m BorrowedMessage<'_>, topic: &'m str) -> RawRecord<'m> {
    let headers = match message.headers() {
        None => Vec::new(),
        Some(headers) => (0..headers.count())
            .map(|index| read_header(headers, index))
            .collect(),
    };
    RawRecord {
        position: Position {
            topic,
            partition: Partition(message.partition()),
            offset: Offset(message.offset()),
            element: None,
        },
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key(),
        value: message.payload(),
        headers,
    }
}

/// rdkafka 0.39 panics on a header name that is not UTF-8 and offers no way to see such a header:
/// its name is replaced and its value lost, the record itself goes on.
fn read_header<H: Headers>(headers: &H, index: usize) -> Header<'_> {
    let unreadable = Header {
        name: "\u{fffd}",
        value: None,
    };
    match catch_unwind(AssertUnwindSafe(|| headers.try_get(index))) {
        Ok(Some(header)) => Header {
            name: header.key,
            value: header.value,
        },
        Ok(None) | Err(_) => unreadable,
    }
}

/// Headers as the client writes them; nothing where there are none.
pub(crate) fn owned_headers<'h>(
    given: impl ExactSizeIterator<Item = Header<'h>>,
) -> Option<OwnedHeaders> {
    let mut headers = (given.len() > 0).then(|| OwnedHeaders::new_with_capacity(given.len()))?;
    for Header { name: key, value } in given {
        headers = headers.insert(rdkafka::message::Header { key, value });
    }
    Some(headers)
}

/// What was noted beside a committed position; empty if it is no text.
pub(crate) fn commit_metadata(element: &TopicPartitionListElem<'_>) -> String {
    // rdkafka 0.39 panics on metadata that is not UTF-8; other tools may write it.
    catch_unwind(AssertUnwindSafe(|| element.metadata().to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two headers, of which the client library cannot read the first.
    struct Unreadable;

    impl Headers for Unreadable {
        fn count(&self) -> usize {
            2
        }

        fn try_get(&self, index: usize) -> Option<rdkafka::message::Header<'_, &[u8]>> {
            match index {
                0 => panic!("a name that is not UTF-8"),
                _ => Some(rdkafka::message::Header {
                    key: "ce_id",
                    value: Some(b"7"),
                }),
            }
        }
    }

    #[test]
    fn a_header_whose_name_is_not_utf_8_is_marked_and_spoils_no_other() {
        let headers = [0, 1].map(|index| read_header(&Unreadable, index));
        let told = headers.map(|header| (header.name, header.value));
        assert_eq!(told, [("\u{fffd}", None), ("ce_id", Some(&b"7"[..]))]);
    }
}
