//! Looks names up without regard to ASCII case and without allocation, since every event asks.

use foldhash::HashMap;

/// Longest name that a catalogue may hold, in bytes: what a lookup lowercases on the stack.
pub(super) const MAX_NAME_BYTES: usize = 64;

/// Values by name.
#[derive(Debug, Clone)]
pub(super) struct Names<T>(HashMap<Box<[u8]>, T>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<T> Names<T> {
    /// The value of a name in any casing.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        let mut buffer = [0; MAX_NAME_BYTES];
        let key = buffer.get_mut(..name.len())?;
        key.copy_from_slice(name.as_bytes());
        key.make_ascii_lowercase();
        self.0.get(&*key)
    }

    /// Adds a name; the value that it had before, in any casing.
    pub(super) fn insert(&mut self, name: &str, value: T) -> Option<T> {
        let key = name.to_ascii_lowercase().into_bytes().into_boxed_slice();
        self.0.insert(key, value)
    }
}
