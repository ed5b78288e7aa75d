//! The parser: one pass over a text that makes the nodes of a document, or finds the first error.
//! Nodes are made only here, so every node is well formed. There is a fast path for names and strings
//! without escapes and without white space around them. The parser is not recursive.

use super::error::{Fault, JsonError};
use super::input::{Beside, Input};
use super::name::{Tag, same_bytes};
use super::node::{Node, Span, ValueKind};
use super::nodes::{Memory, Nodes};
use super::plain::Specials;

/// With how many earlier members of its object a name is compared while parsing.
const MEMBERS_COMPARED: usize = 32;

/// The result of a pass over a text.
pub(super) struct Parsed<'m> {
    /// All values, in document order.
    pub(super) nodes: Nodes<'m>,
    /// Whether there is no white space outside of strings.
    pub(super) compact: bool,
    /// If false, no object has a name twice, or in two spellings.
    pub(super) may_repeat_names: bool,
}

/// Parses a whole text, at most 4 GiB long and nested no deeper than so many levels.
pub(super) fn parse<'m>(
    text: &str,
    levels: usize,
    memory: Option<&'m Memory>,
) -> Result<Parsed<'m>, JsonError> {
    let beside = Beside::default();
    let input = Input {
        text,
        beside: &beside,
    };
    // RFC 8259, section 8.1: a byte order mark may be ignored.
    let begin = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let start = input.after_space(begin);
    if start as usize == text.len() {
        return Err(JsonError::Empty);
    }
    // White space around the whole value is not part of any raw slice.
    beside.spaced.set(false);
    let mut parser = Parser {
        input,
        at: start,
        specials: Specials::from(text.as_bytes(), start),
        count: 0,
        open: Open::default(),
    };
    let nodes = parser.outermost(levels, memory).map_err(|fault| *fault)?;
    let compact = !beside.spaced.get();
    let end = input.after_space(parser.at);
    if end as usize != text.len() {
        let bytes = text.as_bytes();
        // The members of an object, copied without its braces.
        let is_member = bytes[start as usize] == b'"' && bytes[end as usize] == b':';
        return Err(*match is_member {
            true => input.expected(start, "an opening brace before the first name"),
            false => input.expected(end, "the end of the text"),
        });
    }
    if beside.is_unportable.get() {
        return Err(JsonError::NotPortable);
    }
    Ok(Parsed {
        nodes,
        compact,
        may_repeat_names: beside.may_repeat_names.get(),
    })
}

/// The state of the pass. All its methods are `inline(always)` and no function gets a reference to it, so
/// that the compiler keeps it in registers.
struct Parser<'a> {
    input: Input<'a>,
    /// Offset of the current byte.
    at: u32,
    /// The following quotes, backslashes and control characters.
    specials: Specials,
    /// Number of nodes; those of open containers have no end yet.
    count: usize,
    open: Open,
}

/// An open container; the default stands for the outside of the outermost value.
#[derive(Clone, Copy, Default)]
struct Open {
    /// The bits ([`Tag`]) of its names so far.
    seen: u64,
    /// Index of its node.
    node: u32,
    /// Its closing bracket; 0 outside of the outermost value.
    bracket: u32,
}

const BRACE: u32 = b'}' as u32;
const BRACKET: u32 = b']' as u32;

/// The reason why a run of plain strings, each followed by a comma, ended.
enum Stop {
    /// There is no free slot.
    Full,
    /// A string that is the last one or has escapes; its first part without escapes ends here.
    String(u32),
    /// A value that is not a string, or follows white space. The next slot has its name.
    Value,
}

impl Parser<'_> {
    /// Parses the outermost value with everything in it.
    #[inline(always)]
    fn outermost<'m>(
        &mut self,
        levels: usize,
        memory: Option<&'m Memory>,
    ) -> Result<Nodes<'m>, Fault> {
        let mut nodes = Nodes::with_slots(self.input.bytes().len() / 24 + 4, memory);
        let mut slots = nodes.slots();
        slots[0] = Node::NONE;
        // The containers around the current one, from the outermost on. Few events are nested more deeply than this.
        let mut around: Vec<Open> = Vec::with_capacity(16);
        loop {
            let stop = match self.open.bracket {
                BRACE => self.members(slots)?,
                BRACKET => self.elements(slots),
                _ => Stop::Value,
            };
            match stop {
                Stop::Full => {
                    // One for the current value, and one for each that follows a comma or a bracket.
                    let most = self.count + 1 + self.input.announced_from(self.at);
                    slots = nodes.more_slots(most);
                    continue;
                }
                Stop::String(end) => self.rest_of_string(&mut slots[self.count], end)?,
                Stop::Value => {
                    let node = self.count as u32;
                    let bracket = self.value(&mut slots[self.count])?;
                    if bracket != 0 {
                        if around.len() >= levels {
                            let offset = self.at as usize;
                            return Err(Box::new(JsonError::TooDeep { levels, offset }));
                        }
                        around.push(self.open);
                        self.open = Open {
                            seen: 0,
                            node,
                            bracket,
                        };
                        self.at += 1;
                        if u32::from(self.next()) != bracket {
                            continue;
                        }
                    }
                }
            }
            while !self.is_followed()? {
                let Some(outer) = around.pop() else {
                    nodes.set_len(self.count);
                    return Ok(nodes);
                };
                let node = &mut slots[self.open.node as usize];
                (node.value.end, node.next) = (self.at, self.count as u32);
                self.open = outer;
            }
        }
    }

    /// Parses the comma or the closing bracket after a value, and returns whether it is a comma. Not
    /// called after the outermost value.
    #[inline(always)]
    fn is_followed(&mut self) -> Result<bool, Fault> {
        if self.open.bracket == 0 {
            return Ok(false);
        }
        let byte = self.next();
        if byte != b',' && u32::from(byte) != self.open.bracket {
            let expected = match self.open.bracket {
                BRACE => "a comma or }",
                _ => "a comma or ]",
            };
            return Err(self.input.expected(self.at, expected));
        }
        self.at += 1;
        Ok(byte == b',')
    }

    /// Parses members as long as their values are strings without escapes, followed by a comma.
    #[inline(always)]
    fn members(&mut self, slots: &mut [Node]) -> Result<Stop, Fault> {
        while let Some(slot) = slots.get_mut(self.count) {
            let second;
            if let Some((key, tag, letter)) = self.plain_name() {
                (slot.key, slot.tag, second) = (key, tag, letter);
                self.at = key.end + 2;
            } else {
                let start = self.input.after_space(self.at);
                if start > self.at {
                    self.skip_to(start);
                    continue;
                }
                let name = self.input.name(self.at)?;
                (slot.key, slot.tag) = (name.key, name.tag);
                second = self.input.second_of(name.key);
                self.skip_to(name.after);
            }
            let sign = slot.tag.sign(second);
            if self.open.seen & sign != 0 {
                let first = self.open.node as usize + 1;
                look_for_name(self.input, slots, first, self.count);
            }
            self.open.seen |= sign;
            if let Some(stop) = self.plain_string(&mut slots[self.count]) {
                return Ok(stop);
            }
        }
        Ok(Stop::Full)
    }

    /// Parses elements as long as they are strings without escapes, followed by a comma.
    #[inline(always)]
    fn elements(&mut self, slots: &mut [Node]) -> Stop {
        while let Some(slot) = slots.get_mut(self.count) {
            (slot.key, slot.tag) = (Node::NONE.key, Node::NONE.tag);
            if let Some(stop) = self.plain_string(slot) {
                return stop;
            }
        }
        Stop::Full
    }

    /// Parses a name without escapes, whose first and last letter are known, and the colon after it, if
    /// these are next. Also returns the second byte; for a name of one letter that is the quote.
    #[inline(always)]
    fn plain_name(&mut self) -> Option<(Span, Tag, u8)> {
        let &[b'"', first, second] = self.input.window(self.at)? else {
            return None;
        };
        let start = self.at + 1;
        let end = self.plain_end();
        let [last, after @ ..] = self.input.window::<3>(end - 1)?;
        let tag = Tag::of_written(first, *last);
        (after == b"\":" && tag != Tag::ANY).then_some((Span { start, end }, tag, second))
    }

    /// Parses a string without escapes and the comma after it, if these are next.
    #[inline(always)]
    fn plain_string(&mut self, slot: &mut Node) -> Option<Stop> {
        if self.input.byte(self.at) != b'"' {
            return Some(Stop::Value);
        }
        let end = self.begin_string(slot);
        if self.input.window(end) != Some(b"\",") {
            return Some(Stop::String(end));
        }
        self.count += 1;
        self.at = end + 2;
        None
    }

    /// Makes a node of the current string, which ends here if it has no escapes.
    #[inline(always)]
    fn begin_string(&mut self, slot: &mut Node) -> u32 {
        let start = self.at + 1;
        let end = self.plain_end();
        slot.value = Span { start, end };
        (slot.kind, slot.escaped) = (ValueKind::String, false);
        slot.next = self.count as u32 + 1;
        end
    }

    /// The end of the first part without escapes of the current string.
    #[inline(always)]
    fn plain_end(&mut self) -> u32 {
        self.specials.second(self.input.bytes())
    }

    /// Parses the rest of a string whose first part without escapes ends here.
    #[inline(always)]
    fn rest_of_string(&mut self, slot: &mut Node, end: u32) -> Result<(), Fault> {
        self.count += 1;
        if self.input.byte(end) == b'"' {
            self.at = end + 1;
            return Ok(());
        }
        slot.escaped = true;
        slot.value.end = self.input.end_of_escaped(end)?;
        self.skip_to(slot.value.end + 1);
        Ok(())
    }

    /// Parses any value, but of a container only its opening bracket. Returns the closing bracket of a
    /// container, otherwise 0.
    #[inline(always)]
    fn value(&mut self, slot: &mut Node) -> Result<u32, Fault> {
        let (kind, bracket) = match self.next() {
            b'{' => (ValueKind::Object, BRACE),
            b'[' => (ValueKind::Array, BRACKET),
            b'"' => {
                let end = self.begin_string(slot);
                self.rest_of_string(slot, end)?;
                return Ok(0);
            }
            _ => (ValueKind::Null, 0),
        };
        self.count += 1;
        slot.next = self.count as u32;
        (slot.kind, slot.escaped) = (kind, false);
        slot.value.start = self.at;
        if bracket == 0 {
            (slot.kind, self.at) = self.input.scalar(self.at)?;
            slot.value.end = self.at;
        }
        Ok(bracket)
    }

    /// The next byte after optional white space.
    #[inline(always)]
    fn next(&mut self) -> u8 {
        let at_hand = self.input.byte(self.at);
        if at_hand > b' ' {
            return at_hand;
        }
        self.skip_to(self.input.after_space(self.at));
        self.input.byte(self.at)
    }

    /// Continues at a later offset.
    #[inline(always)]
    fn skip_to(&mut self, at: u32) {
        self.at = at;
        self.specials.skip_to(self.input.bytes(), at);
    }
}

/// Records if the name of the node at `last` may be repeated, ignoring case and underscores, in the object
/// whose first member is at `first`; also if there are too many members to compare.
#[cold]
fn look_for_name(input: Input<'_>, nodes: &[Node], first: usize, last: usize) {
    if input.beside.may_repeat_names.get() {
        return;
    }
    let Node { key, tag, .. } = nodes[last];
    let mut member = first;
    for _ in 0..MEMBERS_COMPARED {
        if member == last {
            return;
        }
        let node = &nodes[member];
        if node.tag == tag && same_bytes(node.key.bytes_of(input.text), key.bytes_of(input.text)) {
            break;
        }
        member = node.next as usize;
    }
    input.beside.may_repeat_names.set(true);
}
