//! Long lists, shown one page at a time.

/// How many rows a page has at most: what painting one costs does not depend on how long the list is.
pub const PAGE: usize = 50;

/// The rows that are shown: from `from` up to, but not including, `until`, out of `total`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub from: usize,
    pub until: usize,
    pub total: usize,
    /// Whether more may follow behind what is known.
    pub open: bool,
    /// Whether that cannot be asked for now, or is on its way.
    pub waits: bool,
}

impl Page {
    /// The page that begins at `from`; the last one where the list has become shorter than that.
    pub const fn at(from: usize, total: usize) -> Self {
        let from = if from < total { from } else { last_start(total) };
        let until = if total - from > PAGE { from + PAGE } else { total };
        Self {
            from,
            until,
            total,
            open: false,
            waits: false,
        }
    }

    /// Where the first page begins, unless it is this one.
    pub fn first(self) -> Option<usize> {
        (self.from > 0).then_some(0)
    }

    /// Where the page before this one begins.
    pub fn previous(self) -> Option<usize> {
        (self.from > 0).then(|| self.from.saturating_sub(PAGE))
    }

    /// Where the page after this one begins; behind what is known where more may follow.
    pub fn next(self) -> Option<usize> {
        (self.until < self.total || self.open && !self.waits).then_some(self.until)
    }

    /// Where the last page begins, unless it is this one, or nobody knows.
    pub fn last(self) -> Option<usize> {
        (self.until < self.total && !self.open).then(|| last_start(self.total))
    }

    /// Whether there are pages after this one, or may be.
    pub const fn goes_on(self) -> bool {
        self.until < self.total || self.open
    }

    /// Whether no further row has room on it.
    pub const fn is_full(self) -> bool {
        self.until - self.from >= PAGE
    }
}

/// Where the last page begins, as they come when they are turned from the first.
const fn last_start(total: usize) -> usize {
    total.saturating_sub(1) / PAGE * PAGE
}

/// The rows of the page that begins at `from`, and which page that is.
pub fn cut<T>(rows: impl Iterator<Item = T>, from: usize) -> (Vec<T>, Page) {
    let mut rows: Vec<T> = rows.collect();
    let page = Page::at(from, rows.len());
    rows.truncate(page.until);
    rows.drain(..page.from);
    (rows, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_turned_from_first_to_last_and_back_show_every_row_once() {
        for total in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 10_000, 10_017] {
            let mut page = Page::at(0, total);
            let mut seen = page.until;
            while let Some(next) = page.next() {
                page = Page::at(next, total);
                assert_eq!(page.from, seen);
                assert!(page.until - page.from <= PAGE);
                seen = page.until;
            }
            assert_eq!(seen, total);
            assert_eq!(page.last(), None);
            assert_eq!(Page::at(0, total).last().unwrap_or(0), page.from);
            let mut steps = total.div_ceil(PAGE);
            while let Some(previous) = page.previous() {
                page = Page::at(previous, total);
                steps -= 1;
            }
            assert_eq!((page.from, steps.min(1)), (0, total.min(1)));
        }
    }

    #[test]
    fn a_page_that_begins_anywhere_has_a_first_and_a_previous_one() {
        // Three calls came in while the second page was read.
        let page = Page::at(PAGE + 3, 10 * PAGE);
        assert_eq!((page.first(), page.previous()), (Some(0), Some(3)));
        let page = Page::at(3, 10 * PAGE);
        assert_eq!((page.first(), page.previous()), (Some(0), Some(0)));
        let page = Page::at(0, 10 * PAGE);
        assert_eq!((page.first(), page.previous()), (None, None));
    }

    #[test]
    fn a_list_that_became_shorter_shows_its_last_page() {
        assert_eq!((Page::at(400, 120).from, Page::at(400, 120).until), (100, 120));
        assert_eq!(Page::at(50, 50).from, 0);
        assert_eq!(Page::at(7, 0), Page::default());
    }

    #[test]
    fn behind_what_is_known_there_is_a_next_page_and_no_last_one() {
        let mut page = Page {
            open: true,
            ..Page::at(50, 100)
        };
        assert_eq!(
            (page.next(), page.last(), page.goes_on()),
            (Some(100), None, true)
        );
        page.waits = true;
        assert_eq!((page.next(), page.goes_on()), (None, true), "asked for once");
        page = Page {
            open: true,
            waits: true,
            ..Page::at(0, 100)
        };
        assert_eq!(
            (page.next(), page.last()),
            (Some(50), None),
            "known ones need no wait"
        );
        assert!(!Page::at(50, 100).goes_on());
    }

    #[test]
    fn the_rows_of_a_page_are_cut_out_of_all_of_them() {
        let (rows, page) = cut(0..120, 100);
        assert_eq!(rows, (100..120).collect::<Vec<_>>());
        assert_eq!((page.from, page.until, page.total), (100, 120, 120));
        assert!(!page.is_full());
        let (rows, page) = cut(0..120, 50);
        assert_eq!((rows.first(), rows.len()), (Some(&50), PAGE));
        assert!(page.is_full());
        assert_eq!(cut(0..0, 50), (vec![], Page::default()));
    }
}
