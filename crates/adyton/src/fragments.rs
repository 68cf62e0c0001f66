//! For the unit tests of parsers: every text that a few fragments make.

/// Calls `parse` with every sequence of up to `most` of these fragments, as the value of a header.
pub(crate) fn every_value(
    fragments: &[&[u8]],
    most: u32,
    mut parse: impl FnMut(http::HeaderValue),
) {
    for length in 0..=most {
        for number in 0..fragments.len().pow(length) {
            let digits = std::iter::successors(Some(number), |rest| Some(rest / fragments.len()));
            let digits = digits.take(length as usize).map(|rest| rest % fragments.len());
            let value: Vec<u8> = digits.flat_map(|digit| fragments[digit].to_vec()).collect();
            parse(http::HeaderValue::from_bytes(&value).unwrap());
        }
    }
}
