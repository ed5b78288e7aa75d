//! A record of the client as the pipeline sees it, borrowed from the client's buffer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{BorrowedMessage, Headers, Message};

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
