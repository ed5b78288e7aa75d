//! Columns of lists of texts, such as the names of a row's resources. Lists of a row stand side by side: at the same place are
//! the name, the id and the type of the same resource.

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, GenericStringArray};
use datafusion::common::{Result, exec_datafusion_err};

/// A column of lists of texts.
pub(super) struct TextLists<'a> {
    lists: &'a GenericListArray<i32>,
    texts: &'a GenericStringArray<i32>,
}

impl<'a> TextLists<'a> {
    fn of(column: &'a ArrayRef) -> Option<TextLists<'a>> {
        let lists = column.as_list_opt::<i32>()?;
        let texts = lists.values().as_string_opt::<i32>()?;
        Some(TextLists { lists, texts })
    }

    /// The same of several columns.
    ///
    /// # Errors
    /// One of them is no column of lists of texts.
    pub(super) fn of_all(columns: &'a [ArrayRef]) -> Result<Vec<TextLists<'a>>> {
        let lists: Option<Vec<_>> = columns.iter().map(TextLists::of).collect();
        lists.ok_or_else(|| exec_datafusion_err!("a column does not hold lists of texts"))
    }

    /// How many places the list of a row has.
    pub(super) fn length(&self, row: usize) -> usize {
        match self.lists.is_valid(row) {
            true => self.lists.value_length(row) as usize,
            false => 0,
        }
    }

    /// The text at a place of the list of a row, if there is one.
    pub(super) fn text(&self, row: usize, place: usize) -> Option<&'a str> {
        let at = self.lists.value_offsets()[row] as usize + place;
        (place < self.length(row) && self.texts.is_valid(at)).then(|| self.texts.value(at))
    }
}
