//! The archive: what the topics hold, as Delta tables on a folder or object storage, one table for each kind of
//! record. Here are the columns of the tables, the rows, the data files, and behind one border (`table`, `storage`)
//! the Delta log. Who reads the topics and when a file is written is the business of `roles`.

mod age;
mod answer;
mod app_transactions;
mod column;
mod columns;
mod compaction;
mod damage;
mod data_file;
mod day;
mod encode_error;
mod event_parts;
mod file_entry;
mod file_properties;
mod file_writer;
mod footer;
mod hidden;
mod merge;
mod open_file;
mod position;
mod ranges;
mod rows;
mod shape;
mod statistics;
mod storage;
mod table;
mod table_error;
mod upkeep;
mod upload;
pub mod verify;

pub use age::proven_ms;
pub use answer::in_words;
pub use app_transactions::AppTransactions;
pub use column::{Cell, Column, ColumnType, Lookup};
pub use columns::TableKind;
pub use compaction::{TARGET_BYTES, due_merges};
pub use damage::{Damage, of_files as damaged_file};
pub use data_file::{DataFile, data_files};
pub use day::{begin_of_day_ms, day_number, day_of, day_text, first_of_month};
pub use encode_error::EncodeError;
pub use file_entry::{FileEntry, NewFile};
pub use file_properties::GROUP_ROWS;
pub use hidden::with_policy;
pub use merge::merge;
pub use open_file::{OpenFile, Wanted};
pub use position::{Advance, Progress, TopicPartition};
pub use ranges::Ranges;
pub use rows::{RowMemory, Rows};
pub use statistics::merged_statistics;
pub use storage::{Storage, StorageError};
pub use table::{Table, TableReader};
pub use table_error::{AppendError, TableError};
pub use upload::Upload;

#[cfg(test)]
mod tests;
