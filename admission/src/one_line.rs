//! A text that is told on one line.

/// The text with blanks in the place of control characters. What is quoted in it is what somebody wrote, and may end lines
/// or move the cursor of the terminal where it is shown.
pub(crate) fn one_line(text: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(visible).collect()
}
