//! Inputs that are nearly right, for tests of what reads them.

/// Bytes on which parsers stumble.
const AWKWARD: &[u8] = b"\0\t\n\r \"'\\/|_-*,;:=@.[]{}()%+0189aAzZ\x7f\x80\xc3\xff";

/// A copy of `right` with none to four small changes: a bit, a byte, a case, something inserted,
/// left out, doubled, or cut off; and once in a while something very long. The same seed gives
/// the same text.
#[must_use]
pub fn nearly(right: &[u8], seed: u64) -> Vec<u8> {
    let (mut text, mut draw) = (right.to_vec(), Draw(seed));
    for _ in 0..draw.below(5) {
        change(&mut text, &mut draw);
    }
    text
}

fn change(text: &mut Vec<u8>, draw: &mut Draw) {
    let (at, awkward) = (draw.below(text.len() + 1), AWKWARD[draw.below(AWKWARD.len())]);
    match (draw.below(10), text.get_mut(at)) {
        (0, Some(byte)) => *byte ^= 1 << draw.below(8),
        (1, Some(byte)) => *byte = awkward,
        (2, Some(byte)) => *byte ^= 0x20,
        (3, Some(_)) => drop(text.remove(at)),
        (4, _) => text.truncate(at),
        (5, Some(_)) => {
            let end = at + draw.below(text.len() - at + 1);
            text.extend_from_within(at..end);
        }
        (6, Some(_)) => drop(text.drain(..at)),
        (7, _) if draw.below(64) == 0 => text.resize(text.len() + draw.below(600), awkward),
        (8, Some(_)) => {
            let other = draw.below(text.len());
            text.swap(at, other);
        }
        _ => text.insert(at, awkward),
    }
}

/// SplitMix64: enough to vary inputs, and nothing else.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % (bound.max(1) as u64)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_text_and_many_give_many() {
        let right = b"adt_0123456789";
        assert_eq!(nearly(right, 7), nearly(right, 7));
        let texts: std::collections::HashSet<_> = (0..1000).map(|n| nearly(right, n)).collect();
        assert!(texts.len() > 500 && texts.contains(right.as_slice()));
    }
}
