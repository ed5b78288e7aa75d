//! Stretches of a topic: what is to be read, and how a topic is cut when it is read backwards.

use crate::event::{NextOffset, Offset, Partition};

/// What a partition holds of committed records: from the oldest to before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The partition.
    pub partition: Partition,
    /// The first offset; there need be no record at it.
    pub from: Offset,
    /// The offset after the last.
    pub to: NextOffset,
}

impl Span {
    /// How many offsets it covers; no more records than that.
    pub fn len(&self) -> u64 {
        u64::try_from(self.to.0 - self.from.0).unwrap_or(0)
    }

    /// Whether it covers none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Cuts spans into windows, the newest first: at most `first` offsets a partition, then twice as
/// many each time, but never more than `most`. Together they cover the spans, each offset once.
pub fn newest_first(
    spans: &[Span],
    first: u32,
    most: u32,
) -> impl Iterator<Item = Vec<Span>> + use<> {
    let mut size = i64::from(first.max(1));
    let mut left: Vec<Span> = spans.to_vec();
    std::iter::from_fn(move || {
        left.retain(|span| !span.is_empty());
        let window = left.iter_mut().map(|span| {
            let from = Offset(span.from.0.max(span.to.0 - size));
            let newest = Span { from, ..*span };
            span.to = NextOffset(from.0);
            newest
        });
        let window: Vec<Span> = window.collect();
        size = (size * 2).min(most.max(1).into());
        (!window.is_empty()).then_some(window)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(partition: i32, from: i64, to: i64) -> Span {
        Span {
            partition: Partition(partition),
            from: Offset(from),
            to: NextOffset(to),
        }
    }

    #[test]
    fn windows_grow_and_cover_everything_once_from_the_end() {
        let spans = [span(0, 5, 45), span(1, 0, 3), span(2, 7, 7)];
        let windows: Vec<Vec<Span>> = newest_first(&spans, 10, 15).collect();
        let expected = [
            vec![span(0, 35, 45), span(1, 0, 3)],
            vec![span(0, 20, 35)],
            vec![span(0, 5, 20)],
        ];
        assert_eq!(windows, expected);
        assert_eq!(newest_first(&[], 10, 15).count(), 0);
    }
}
