//! The one pass over a text that makes the nodes of a document: what it accepts, and where the first
//! fault is.
//! Only here are nodes made, so every node is well formed. Names and strings without escapes and
//! white space around them go straight through; nothing calls itself, however deep the nesting.

use super::error::{Fault, JsonError};
use super::input::{Beside, Input};
use super::name::{Tag, same_bytes};
use super::node::{Kind, Node, Span};
use super::nodes::{Memory, Nodes};
use super::plain::Specials;

/// How many members before it a name is compared with while parsing.
const MEMBERS_COMPARED: usize = 32;

/// What a pass over a text found.
pub(super) struct Parsed<'m> {
    /// All values, in document order.
    pub(super) nodes: Nodes<'m>,
    /// No white space outside strings.
    pub(super) compact: bool,
    /// If not set, no object holds a name twice, nor in two spellings.
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
    // White space around the whole value does not touch raw slices.
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
        return Err(*input.expected(end, "the end of the text"));
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

/// The state of the pass. All its methods are `inline(always)`, and no function is given a reference to
/// it, so the compiler keeps it in registers.
struct Parser<'a> {
    input: Input<'a>,
    /// Place of the byte at hand.
    at: u32,
    /// What is to come of quotes, backslashes and control characters.
    specials: Specials,
    /// How many nodes there are; those of open containers lack their ends.
    count: usize,
    open: Open,
}

/// An open container; by default what is around the outermost value.
#[derive(Clone, Copy, Default)]
struct Open {
    /// The signs of its names up to now.
    seen: u64,
    /// Place of its node.
    node: u32,
    /// The bracket that closes it; 0 around the outermost value, which none does.
    bracket: u32,
}

const BRACE: u32 = b'}' as u32;
const BRACKET: u32 = b']' as u32;

/// What ends a run of strings with a comma after each.
enum Stop {
    /// There is no slot for one more.
    Full,
    /// The last string, or one with escapes: its first plain part ends here.
    String(u32),
    /// Another value, or one after white space. The next slot has its name.
    Value,
}

impl Parser<'_> {
    /// Goes over the outermost value, with all below it.
    #[inline(always)]
    fn outermost<'m>(
        &mut self,
        levels: usize,
        memory: Option<&'m Memory>,
    ) -> Result<Nodes<'m>, Fault> {
        let mut nodes = Nodes::with_slots(self.input.bytes().len() / 24 + 4, memory);
        let mut slots = nodes.slots();
        slots[0] = Node::NONE;
        // The containers around the one at hand, from the outermost on.
        let mut around: Vec<Open> = Vec::new();
        loop {
            let stop = match self.open.bracket {
                BRACE => self.members(slots)?,
                BRACKET => self.elements(slots),
                _ => Stop::Value,
            };
            match stop {
                Stop::Full => {
                    // One for the value at hand, and one for each that a comma or a bracket announces.
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

    /// Goes over the comma or the bracket after a value, and tells whether it is a comma. Neither
    /// is after the outermost value.
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

    /// Goes over members as long as their values are plain strings with a comma after them.
    #[inline(always)]
    fn members(&mut self, slots: &mut [Node]) -> Result<Stop, Fault> {
        while let Some(slot) = slots.get_mut(self.count) {
            let second;
            if let Some((key, tag, letter)) = self.plain_name() {
                (slot.key, slot.tag, second) = (key, tag, letter);
                self.at = key.end + 2;
            } else {
                let name = self.input.name(self.at)?;
                (slot.key, slot.tag) = (name.key, name.tag);
                second = self.input.byte(name.key.start + 1);
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

    /// Goes over elements as long as they are plain strings with a comma after them.
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

    /// Goes over a name without escapes that shows its letters and the colon after it, if these are
    /// next. Its second byte, of a single letter the quote after it, comes with it.
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

    /// Goes over a string without escapes and the comma after it, if these are next.
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

    /// Makes a node of the string at hand, which ends here if it is plain.
    #[inline(always)]
    fn begin_string(&mut self, slot: &mut Node) -> u32 {
        let start = self.at + 1;
        let end = self.plain_end();
        slot.value = Span { start, end };
        (slot.kind, slot.escaped) = (Kind::String, false);
        slot.next = self.count as u32 + 1;
        end
    }

    /// Where the first plain part of the string at hand ends.
    #[inline(always)]
    fn plain_end(&mut self) -> u32 {
        self.specials.second(self.input.bytes())
    }

    /// Goes over the rest of a string whose first plain part ends here.
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

    /// Goes over any value, but of a container only up to the bracket that opens it, and gives the
    /// one that closes it, otherwise 0.
    #[inline(always)]
    fn value(&mut self, slot: &mut Node) -> Result<u32, Fault> {
        let (kind, bracket) = match self.next() {
            b'{' => (Kind::Object, BRACE),
            b'[' => (Kind::Array, BRACKET),
            b'"' => {
                let end = self.begin_string(slot);
                self.rest_of_string(slot, end)?;
                return Ok(0);
            }
            _ => (Kind::Null, 0),
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

    /// The byte that comes next, after white space or without.
    #[inline(always)]
    fn next(&mut self) -> u8 {
        let at_hand = self.input.byte(self.at);
        if at_hand > b' ' {
            return at_hand;
        }
        self.skip_to(self.input.after_space(self.at));
        self.input.byte(self.at)
    }

    /// Goes on at a later place.
    #[inline(always)]
    fn skip_to(&mut self, at: u32) {
        self.at = at;
        self.specials.skip_to(self.input.bytes(), at);
    }
}

/// Notes it where the name of the node at `last`, but for case and underscores, may stand before in
/// the object whose first member is at `first`, also where there are too many to compare.
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
