//! Nodes of a document as they were written, white space outside strings left out.

use super::{Document, Kind, NodeId};

impl Document<'_> {
    /// Appends the value without white space outside strings.
    pub fn write_compact(&self, id: NodeId, out: &mut Vec<u8>) {
        if self.compact {
            out.extend_from_slice(self.raw(id).as_bytes());
            return;
        }
        match self.kind(id) {
            kind @ (Kind::Array | Kind::Object) => {
                out.push(if kind == Kind::Array { b'[' } else { b'{' });
                for (index, child) in self.children(id).enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    if kind == Kind::Object {
                        self.write_key(child, out);
                    }
                    self.write_compact(child, out);
                }
                out.push(if kind == Kind::Array { b']' } else { b'}' });
            }
            _ => out.extend_from_slice(self.raw(id).as_bytes()),
        }
    }

    /// Appends a member of an object, name and value, as [`Document::write_compact`] does.
    #[inline]
    pub fn write_member(&self, id: NodeId, out: &mut Vec<u8>) {
        if self.compact {
            let node = self.node(id);
            let quote = usize::from(node.kind == Kind::String);
            let (start, end) = (node.key.start as usize - 1, node.value.end as usize + quote);
            out.extend_from_slice(&self.text.as_bytes()[start..end]);
        } else {
            self.write_key(id, out);
            self.write_compact(id, out);
        }
    }

    /// Appends the node's name as written, quotes and colon included.
    #[inline]
    pub fn write_key(&self, id: NodeId, out: &mut Vec<u8>) {
        let key = self.node(id).key;
        out.push(b'"');
        out.extend_from_slice(key.bytes_of(self.text));
        out.extend_from_slice(b"\":");
    }
}
