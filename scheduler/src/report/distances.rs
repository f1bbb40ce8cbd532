//! How far zones are from each other.

use super::numbering::Numbering;

/// What is told of the ways between zones, as a square, row by row; what is told twice is taken to be the longer way.
/// Nothing where nothing is told that could be true.
pub(super) fn square(zones: &Numbering, told: impl Iterator<Item = (u32, u32, i64)>) -> Vec<u8> {
    let width = zones.count();
    let mut square = vec![0; width * width];
    let at = |id| zones.mask(id)?.indexes().next();
    for (from, to, value) in told {
        if let (Some(from), Some(to), 1..) = (at(from), at(to), value) {
            let way: &mut u8 = &mut square[from * width + to];
            *way = (*way).max(u8::try_from(value).unwrap_or(u8::MAX));
        }
    }
    if square.iter().all(|way| *way == 0) {
        square.clear();
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_the_order_of_zones() {
        let zones = Numbering::of(&[0, 7].into(), &mut Vec::new());
        let told = |told: &[(u32, u32, i64)]| square(&zones, told.iter().copied());
        assert_eq!(
            told(&[(0, 0, 10), (0, 7, 21), (7, 0, 20), (7, 7, 10)]),
            [10, 21, 20, 10]
        );
        assert_eq!(
            told(&[(7, 0, 300), (7, 0, 20), (0, 7, -5), (3, 0, 20)]),
            [0, 0, 255, 0]
        );
        assert!(told(&[(0, 7, 0), (3, 4, 20)]).is_empty());
    }
}
