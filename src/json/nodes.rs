//! The nodes of a document and their marks, in the memory of the document before it on the same
//! thread: a list of some kilobytes for every record is more than an allocator has at hand.

use std::cell::Cell;
use std::mem::take;
use std::ops::Index;

use super::node::Node;

/// Most nodes whose memory is kept, some 400 KB: a few very large documents do not keep theirs.
const KEPT_NODES: usize = 16 * 1024;

thread_local! {
    static SPARE: Cell<(Vec<Node>, Vec<bool>)> = const { Cell::new((Vec::new(), Vec::new())) };
}

/// A list that leaves its memory to the next one.
#[derive(Debug, Clone)]
pub(super) struct Nodes {
    /// The nodes, and after them slots that mean nothing.
    slots: Vec<Node>,
    /// Of each node, whether it is marked.
    pub(super) marks: Vec<bool>,
}

impl Nodes {
    /// An empty list with slots for so many.
    pub(super) fn with_slots(nodes: usize) -> Nodes {
        let (mut slots, mut marks) = SPARE.take();
        if slots.len() < nodes {
            slots.resize(nodes, Node::NONE);
        }
        marks.clear();
        Nodes { slots, marks }
    }

    /// All slots, those of nodes first.
    pub(super) fn slots(&mut self) -> &mut [Node] {
        &mut self.slots
    }

    /// The same and more, so many altogether at most. Without that bound a record of small numbers
    /// would take twice the memory of its nodes.
    #[cold]
    pub(super) fn more_slots(&mut self, most: usize) -> &mut [Node] {
        let slots = most.min(2 * self.slots.len());
        self.slots
            .reserve_exact(slots.saturating_sub(self.slots.len()));
        self.slots.resize(slots, Node::NONE);
        &mut self.slots
    }

    /// Makes nodes of so many slots, none of them marked.
    pub(super) fn set_len(&mut self, nodes: usize) {
        self.marks.resize(nodes, false);
    }

    /// The nodes before this place.
    #[inline]
    pub(super) fn before(&self, end: usize) -> &[Node] {
        &self.slots[..end]
    }

    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }
}

impl Index<usize> for Nodes {
    type Output = Node;

    #[inline]
    fn index(&self, node: usize) -> &Node {
        &self.slots[node]
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        let (slots, marks) = (take(&mut self.slots), take(&mut self.marks));
        if slots.len() <= KEPT_NODES {
            // A thread that ends has no next document.
            let _ = SPARE.try_with(|spare| spare.set((slots, marks)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::*;

    #[test]
    fn the_next_document_begins_empty_in_the_memory_of_the_one_before() {
        let large = format!("[{}1]", "1,".repeat(300));
        let first = Document::parse(large.as_bytes()).unwrap();
        let (place, room) = (first.nodes.slots.as_ptr(), first.nodes.slots.len());
        drop(first);
        let second = Document::parse(b"{}").unwrap();
        assert_eq!(
            (second.nodes.slots.as_ptr(), second.nodes.slots.len()),
            (place, room)
        );
        assert_eq!(second.node_count(), 1);
        // Two at a time are two lists.
        let third = Document::parse(b"[7]").unwrap();
        assert_eq!((second.node_count(), third.node_count()), (1, 2));
    }

    #[test]
    fn no_mark_outlives_its_document() {
        for _ in 0..2 {
            let mut document = Document::parse(b"[[7],8]").unwrap();
            let nodes: Vec<_> = document.nodes().collect();
            assert!(!document.has_marks(nodes[0]));
            document.mark(nodes[1]);
            let marked = nodes.iter().map(|id| document.is_marked(*id));
            assert!(marked.eq([false, true, true, false]));
            let has_marks = nodes.iter().map(|id| document.has_marks(*id));
            assert!(has_marks.eq([true, true, true, false]));
        }
    }

    #[test]
    fn the_memory_of_a_very_large_document_is_given_back() {
        let large = format!("[{}1]", "1,".repeat(2 * KEPT_NODES));
        drop(Document::parse(large.as_bytes()).unwrap());
        assert!(Nodes::with_slots(0).slots.len() <= KEPT_NODES);
    }
}
