//! Characters that a reader does not see, and that change what is seen around them. Whoever is
//! audited may have put them there.

/// C0, DEL and C1 controls (ECMA-48), and the line and paragraph separators.
pub fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Marks that turn the direction of text, or show nothing (Unicode TR 36, "Bidirectional Text
/// Spoofing").
pub fn turns_or_hides(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
