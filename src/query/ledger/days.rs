//! The rows of the ledger by their days, without what they know of each source record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::error::VerifyError;
use super::reader::ArchiveReader;
use crate::archive::verify::{Link, Of, links};
use crate::archive::{FileEntry, TableKind, day_number};

/// The days of the ledger; each is read once.
pub struct Days<'r> {
    reader: &'r ArchiveReader,
    read: RefCell<BTreeMap<i32, Rc<Vec<Link>>>>,
}

impl<'r> Days<'r> {
    /// The days of this archive.
    pub fn new(reader: &'r ArchiveReader) -> Days<'r> {
        Days {
            reader,
            read: RefCell::default(),
        }
    }

    /// The days that have rows, the earliest first.
    pub fn all(&self) -> Vec<i32> {
        let files = self.reader.files(TableKind::Ledger).iter();
        let mut days: Vec<i32> = files.map(|file| day_number(&file.day)).collect();
        days.dedup();
        days
    }

    /// The files of a day.
    pub(super) fn files(&self, day: i32) -> Vec<&'r FileEntry> {
        let files = self.reader.files(TableKind::Ledger).iter();
        files.filter(|file| day_number(&file.day) == day).collect()
    }

    /// The rows of a day.
    ///
    /// # Errors
    /// The storage does not answer, or a file cannot be read.
    pub fn links(&self, day: i32) -> Result<Rc<Vec<Link>>, VerifyError> {
        if let Some(known) = self.read.borrow().get(&day) {
            return Ok(Rc::clone(known));
        }
        let files = self.files(day);
        let read = self.reader.each(files.len(), |number| {
            let file = self.reader.stored(TableKind::Ledger, files[number])?;
            Ok(links(&file)?)
        })?;
        let links: Rc<Vec<Link>> = Rc::new(read.into_iter().flatten().collect());
        self.read.borrow_mut().insert(day, Rc::clone(&links));
        Ok(links)
    }

    /// The rows of a partition on the nearest of these days that has some.
    pub(super) fn nearest(
        &self,
        days: impl Iterator<Item = i32>,
        of: &Of,
    ) -> Result<Vec<Link>, VerifyError> {
        for day in days {
            let links = self.links(day)?;
            let found: Vec<Link> = links
                .iter()
                .filter(|link| link.of == *of)
                .cloned()
                .collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}
