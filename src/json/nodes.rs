//! The nodes of a document and their marks, in memory that is reused from the document before, because
//! allocating several kilobytes for every record is slow.

use std::cell::Cell;
use std::fmt;
use std::mem::take;
use std::ops::Index;

use super::node::Node;

/// Memory for at most so many nodes (about 400 KB) is kept; that of a very large document is freed.
const KEPT_NODES: usize = 16 * 1024;

/// Memory that documents reuse one after the other. If two documents exist at the same time, the second
/// one allocates its own.
#[derive(Default)]
pub struct Memory(Cell<(Vec<Node>, Vec<bool>)>);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

/// A list of nodes; when it is dropped, its memory is returned for the next one.
#[derive(Debug, Clone)]
pub(super) struct Nodes<'m> {
    /// The nodes, and after them unused slots.
    slots: Vec<Node>,
    /// Whether each node is marked.
    pub(super) marks: Vec<bool>,
    /// Where the memory is returned to.
    memory: Option<&'m Memory>,
}

impl<'m> Nodes<'m> {
    /// An empty list with slots for so many.
    pub(super) fn with_slots(nodes: usize, memory: Option<&'m Memory>) -> Nodes<'m> {
        let (mut slots, mut marks) = memory.map(|memory| memory.0.take()).unwrap_or_default();
        if slots.len() < nodes {
            slots.resize(nodes, Node::NONE);
        }
        marks.clear();
        Nodes {
            slots,
            marks,
            memory,
        }
    }

    /// All slots, those of nodes first.
    pub(super) fn slots(&mut self) -> &mut [Node] {
        &mut self.slots
    }

    /// All slots and additional ones, at most so many altogether. Without this limit a record of small
    /// numbers would take twice the memory of its nodes.
    #[cold]
    pub(super) fn more_slots(&mut self, most: usize) -> &mut [Node] {
        let slots = most.min(2 * self.slots.len());
        self.slots
            .reserve_exact(slots.saturating_sub(self.slots.len()));
        self.slots.resize(slots, Node::NONE);
        &mut self.slots
    }

    /// Turns the first slots into so many nodes, none of them marked.
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

impl Index<usize> for Nodes<'_> {
    type Output = Node;

    #[inline]
    fn index(&self, node: usize) -> &Node {
        &self.slots[node]
    }
}

impl Drop for Nodes<'_> {
    fn drop(&mut self) {
        if let Some(memory) = self.memory
            && self.slots.len() <= KEPT_NODES
        {
            memory.0.set((take(&mut self.slots), take(&mut self.marks)));
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
        let memory = Memory::default();
        let parse = |text| Document::parse_in(Some(&memory), text).unwrap();
        let first = parse(large.as_bytes());
        let (place, room) = (first.nodes.slots.as_ptr(), first.nodes.slots.len());
        drop(first);
        let second = parse(b"{}");
        assert_eq!(
            (second.nodes.slots.as_ptr(), second.nodes.slots.len()),
            (place, room)
        );
        assert_eq!(second.nodes().count(), 1);
        // Two at a time are two lists.
        let third = parse(b"[7]");
        assert_eq!((second.nodes().count(), third.nodes().count()), (1, 2));
    }

    #[test]
    fn no_mark_outlives_its_document() {
        let memory = Memory::default();
        for _ in 0..2 {
            let mut document = Document::parse_in(Some(&memory), b"[[7],8]").unwrap();
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
        let memory = Memory::default();
        drop(Document::parse_in(Some(&memory), large.as_bytes()).unwrap());
        assert_eq!(Nodes::with_slots(0, Some(&memory)).slots.capacity(), 0);
    }
}
