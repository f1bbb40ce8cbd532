//! What is wrong with an object, in words: few and short, whatever the object is like.

/// How many are told.
const MOST: usize = 20;
/// How long each may be, in characters.
const LONGEST: usize = 200;

/// The first of them, on a line each, and how many there are besides.
pub(super) fn bounded(mut faults: Vec<String>) -> Vec<String> {
    let more = faults.len().saturating_sub(MOST);
    faults.truncate(MOST);
    for fault in &mut faults {
        if fault.chars().count() > LONGEST {
            *fault = fault.chars().take(LONGEST).chain(['…']).collect();
        }
    }
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    faults.shrink_to_fit();
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_short() {
        assert_eq!(bounded(vec!["one".to_owned()]), ["one"]);
        let many = bounded(vec!["ä".repeat(10_000); 100]);
        assert_eq!(many.len(), MOST + 1);
        assert_eq!(many[0].chars().count(), LONGEST + 1);
        assert_eq!(many[MOST], "and 80 more");
    }
}
