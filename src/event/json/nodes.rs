//! The nodes of a document, in the memory of the document before it on the same thread: a list of
//! some kilobytes for every record is more than an allocator has at hand.

use std::cell::Cell;
use std::mem::take;
use std::ops::{Deref, DerefMut};

use super::Node;

/// Most nodes whose memory is kept, some 400 KB: a few very large documents do not keep theirs.
const KEPT_NODES: usize = 16 * 1024;

thread_local! {
    static SPARE: Cell<Vec<Node>> = const { Cell::new(Vec::new()) };
}

/// A list that leaves its memory to the next one.
#[derive(Debug, Clone)]
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    /// An empty list with room for so many.
    pub(super) fn with_room(nodes: usize) -> Nodes {
        let mut spare = SPARE.take();
        spare.reserve(nodes);
        Nodes(spare)
    }
}

impl Deref for Nodes {
    type Target = Vec<Node>;

    fn deref(&self) -> &Vec<Node> {
        &self.0
    }
}

impl DerefMut for Nodes {
    fn deref_mut(&mut self) -> &mut Vec<Node> {
        &mut self.0
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let mut nodes = take(&mut self.0);
        if nodes.capacity() <= KEPT_NODES {
            nodes.clear();
            // A thread that ends has no next document.
            let _ = SPARE.try_with(|spare| spare.set(nodes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::*;

    #[test]
    fn the_next_document_begins_empty_in_the_memory_of_the_one_before() {
        let large = format!("[{}1]", "1,".repeat(300));
        let first = Document::parse(large.as_bytes()).unwrap();
        let (place, room) = (first.nodes.as_ptr(), first.nodes.capacity());
        drop(first);
        let second = Document::parse(b"{}").unwrap();
        assert_eq!(
            (second.nodes.as_ptr(), second.nodes.capacity()),
            (place, room)
        );
        assert_eq!(second.node_count(), 1);
        // Two at a time are two lists.
        let third = Document::parse(b"[7]").unwrap();
        assert_eq!((second.node_count(), third.node_count()), (1, 2));
    }

    #[test]
    fn the_memory_of_a_very_large_document_is_given_back() {
        let large = format!("[{}1]", "1,".repeat(2 * KEPT_NODES));
        drop(Document::parse(large.as_bytes()).unwrap());
        assert!(Nodes::with_room(0).capacity() <= KEPT_NODES);
    }
}
