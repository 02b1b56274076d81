//! Byte ranges of a request, by RFC 9110 section 14.

/// Which bytes a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// All of them.
    Whole,
    /// From the first to the last of these, both included; `u64::MAX` for the last of all.
    Between(u64, u64),
    /// So many from the end.
    Last(u64),
}

/// Bytes to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub first: u64,
    /// How many.
    pub length: u64,
}

/// None of the bytes that a request wants exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the range lies behind the end")]
pub struct Unsatisfiable;

impl Wish {
    /// Reads a `Range` header. One that is malformed, in another unit, or of several ranges is as good as none: RFC 9110
    /// lets a server send the whole then.
    pub fn read(header: Option<&str>) -> Self {
        header.and_then(single).unwrap_or(Self::Whole)
    }

    /// The bytes of a recording that is `total` bytes long.
    ///
    /// # Errors
    /// [`Unsatisfiable`] is to be answered with 416.
    pub fn resolve(self, total: u64) -> Result<Span, Unsatisfiable> {
        let (first, end) = match self {
            Self::Whole => (0, total),
            Self::Between(first, last) if first < total => (first, last.saturating_add(1).min(total)),
            Self::Last(length) if length > 0 && total > 0 => (total.saturating_sub(length), total),
            Self::Between(..) | Self::Last(_) => return Err(Unsatisfiable),
        };
        Ok(Span {
            first,
            length: end.saturating_sub(first),
        })
    }

    /// How many bytes to ask for at the beginning, at least one: how long the recording is comes with them, and where
    /// they are wanted themselves they need not be asked for again.
    pub fn opening(self, most: u32) -> u32 {
        let wanted = match self {
            Self::Whole => u64::from(most),
            Self::Between(0, last) => last.saturating_add(1),
            Self::Between(..) | Self::Last(_) => 1,
        };
        u32::try_from(wanted).unwrap_or(most).clamp(1, most.max(1))
    }
}

fn single(header: &str) -> Option<Wish> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    match (first, last) {
        ("", last) => Some(Wish::Last(number(last)?)),
        (first, "") => Some(Wish::Between(number(first)?, u64::MAX)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wish::Between(first, last))
        }
    }
}

/// Digits only; a number beyond all recordings is as good as the largest.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

impl Span {
    /// This span without its first bytes.
    #[must_use]
    pub fn after(self, bytes: u64) -> Self {
        let skipped = bytes.min(self.length);
        Self {
            first: self.first.saturating_add(skipped),
            length: self.length.saturating_sub(skipped),
        }
    }

    /// The pieces it is asked for in: where each begins and how long it is.
    pub fn pieces(self, most: u32) -> impl Iterator<Item = (u64, u32)> {
        let most = most.max(1);
        let mut rest = self;
        std::iter::from_fn(move || {
            if rest.length == 0 {
                return None;
            }
            let length = u32::try_from(rest.length).map_or(most, |left| left.min(most));
            let piece = (rest.first, length);
            rest = rest.after(u64::from(length));
            Some(piece)
        })
    }

    /// `Content-Range` of an answer with 206.
    pub fn content_range(self, total: u64) -> String {
        let last = self.first.saturating_add(self.length).saturating_sub(1);
        format!("bytes {}-{last}/{total}", self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(first: u64, length: u64) -> Span {
        Span { first, length }
    }

    #[test]
    fn single_ranges_are_read() {
        for (header, wish) in [
            ("bytes=0-0", Wish::Between(0, 0)),
            ("bytes=5-", Wish::Between(5, u64::MAX)),
            ("Bytes = 5-9", Wish::Between(5, 9)),
            ("bytes=-500", Wish::Last(500)),
            ("bytes=0-99999999999999999999999", Wish::Between(0, u64::MAX)),
        ] {
            assert_eq!(Wish::read(Some(header)), wish, "{header}");
        }
    }

    #[test]
    fn anything_else_is_the_whole() {
        assert_eq!(Wish::read(None), Wish::Whole);
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=9-5",
            "bytes=a-b",
            "bytes=1-2,4-5",
            "bytes=+1-2",
            "bytes=1 - 2",
            "seconds=1-2",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes=١-٢",
        ] {
            assert_eq!(Wish::read(Some(header)), Wish::Whole, "{header}");
        }
    }

    #[test]
    fn a_range_is_cut_to_what_exists() {
        assert_eq!(Wish::Whole.resolve(10), Ok(span(0, 10)));
        assert_eq!(Wish::Whole.resolve(0), Ok(span(0, 0)));
        assert_eq!(Wish::Between(3, 5).resolve(10), Ok(span(3, 3)));
        assert_eq!(Wish::Between(3, u64::MAX).resolve(10), Ok(span(3, 7)));
        assert_eq!(Wish::Between(9, 9).resolve(10), Ok(span(9, 1)));
        assert_eq!(Wish::Last(3).resolve(10), Ok(span(7, 3)));
        assert_eq!(Wish::Last(300).resolve(10), Ok(span(0, 10)));
        for wish in [
            Wish::Between(10, 12),
            Wish::Last(0),
            Wish::Between(u64::MAX, u64::MAX),
        ] {
            assert_eq!(wish.resolve(10), Err(Unsatisfiable), "{wish:?}");
        }
        assert_eq!(Wish::Last(1).resolve(0), Err(Unsatisfiable));
        assert_eq!(span(3, 3).content_range(10), "bytes 3-5/10");
    }

    #[test]
    fn the_opening_asks_for_no_more_than_is_wanted() {
        assert_eq!(Wish::Whole.opening(64), 64);
        assert_eq!(Wish::Between(0, 1).opening(64), 2);
        assert_eq!(Wish::Between(0, u64::MAX).opening(64), 64);
        assert_eq!(Wish::Between(7, 9).opening(64), 1);
        assert_eq!(Wish::Last(9).opening(64), 1);
    }

    proptest! {
        #[test]
        fn pieces_cover_a_span_once_and_in_order(first in 0_u64..1 << 40, length in 0_u64..5_000, most in 1_u32..700) {
            let mut next = first;
            for (offset, piece) in span(first, length).pieces(most) {
                prop_assert_eq!(offset, next);
                prop_assert!((1..=most).contains(&piece));
                next += u64::from(piece);
            }
            prop_assert_eq!(next, first + length);
        }

        #[test]
        fn no_header_makes_it_panic_or_reach_beyond_the_end(header in "(bytes=)?\\PC{0,40}", total in any::<u64>()) {
            if let Ok(span) = Wish::read(Some(&header)).resolve(total) {
                prop_assert!(span.first.checked_add(span.length).is_some_and(|end| end <= total));
                let _ = span.content_range(total);
            }
        }
    }
}
