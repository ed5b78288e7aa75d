//! Where rows are, by which the newest of them are found before their content is read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use arrow::array::{AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::Result;
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;

use super::bars::Bars;

/// Where a row is. Of two rows, the later one is the greater.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) time_us: i64,
    topic: String,
    partition: i32,
    pub(super) offset: i64,
}

impl Place {
    /// The columns that say it.
    pub(super) const COLUMNS: [&str; 4] = ["time", "topic", "partition", "offset"];

    /// The places of rows with these columns.
    pub(super) fn of(rows: &RecordBatch) -> impl Iterator<Item = Place> {
        let columns = PlaceColumns::of(rows);
        (0..rows.num_rows()).map(move |row| columns.place(row))
    }
}

/// The columns of places.
struct PlaceColumns<'r> {
    times: &'r [i64],
    topics: &'r StringViewArray,
    partitions: &'r [i32],
    offsets: &'r [i64],
}

impl<'r> PlaceColumns<'r> {
    fn of(rows: &'r RecordBatch) -> PlaceColumns<'r> {
        let times = rows.column(0).as_primitive::<TimestampMicrosecondType>();
        PlaceColumns {
            times: times.values(),
            topics: rows.column(1).as_string_view(),
            partitions: rows.column(2).as_primitive::<Int32Type>().values(),
            offsets: rows.column(3).as_primitive::<Int64Type>().values(),
        }
    }

    fn place(&self, row: usize) -> Place {
        Place {
            time_us: self.times[row],
            topic: self.topics.value(row).to_owned(),
            partition: self.partitions[row],
            offset: self.offsets[row],
        }
    }
}

/// Where the newest of these rows are, the newest first. All of them are counted in `bars`.
///
/// # Errors
/// The rows cannot be read.
pub(super) async fn newest_places(
    rows: DataFrame,
    limit: Option<usize>,
    mut bars: Option<&mut Bars>,
) -> Result<Vec<Place>> {
    let mut stream = rows
        .select_columns(&Place::COLUMNS)?
        .execute_stream()
        .await?;
    let mut newest = NewestPlaces {
        limit: limit.unwrap_or(usize::MAX),
        places: BinaryHeap::new(),
    };
    while let Some(rows) = stream.try_next().await? {
        let columns = PlaceColumns::of(&rows);
        if let Some(bars) = &mut bars {
            bars.add(columns.times);
        }
        newest.add(&columns);
    }
    let newest_first = newest.places.into_sorted_vec().into_iter();
    Ok(newest_first.map(|Reverse(place)| place).collect())
}

/// The newest rows of those that were added.
struct NewestPlaces {
    limit: usize,
    /// The oldest first.
    places: BinaryHeap<Reverse<Place>>,
}

impl NewestPlaces {
    /// In a file the newest rows are the last ones. They come first, and leave out the others.
    fn add(&mut self, columns: &PlaceColumns<'_>) {
        for row in (0..columns.times.len()).rev() {
            let is_full = self.places.len() >= self.limit;
            let oldest = self.places.peek().filter(|_| is_full);
            let is_old = |Reverse(oldest): &Reverse<Place>| columns.times[row] < oldest.time_us;
            if oldest.is_some_and(is_old) {
                continue;
            }
            self.places.push(Reverse(columns.place(row)));
            if is_full {
                self.places.pop();
            }
        }
    }
}
