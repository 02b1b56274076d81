//! The call log as far as it is loaded: the newest records of the state, and older pages behind them.

use ponte_protocol::state::STATE_LOG_MAX;
use ponte_protocol::{CallRecord, LogPage, UnixMillis};
use std::collections::HashSet;
use std::sync::Arc;

/// Records, newest first, each once, without a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallLog {
    /// Behind a pointer: thousands of records are shared, and compared, without a copy.
    records: Arc<Vec<CallRecord>>,
    /// The server said that nothing older exists.
    complete: bool,
}

impl CallLog {
    /// The records loaded.
    pub fn records(&self) -> &[CallRecord] {
        &self.records
    }

    /// The same, shared.
    pub fn shared(&self) -> Arc<Vec<CallRecord>> {
        Arc::clone(&self.records)
    }

    /// Whether older records may exist.
    pub fn may_have_more(&self) -> bool {
        !self.complete && self.records.len() >= STATE_LOG_MAX
    }

    /// Where the next page starts.
    pub fn oldest(&self) -> Option<UnixMillis> {
        self.records.last().map(|record| record.started_at)
    }

    /// Takes the newest records of a state.
    pub fn take_newest(&mut self, newest: &[CallRecord]) {
        let overlaps = newest
            .iter()
            .any(|record| self.records.iter().any(|known| known.id == record.id));
        if !overlaps {
            // Between the two may lie records that were never seen here.
            self.records = Arc::default();
            self.complete = false;
        }
        self.merge(newest);
    }

    /// Takes a record that was booked otherwise, where it is loaded.
    pub fn take_changed(&mut self, record: &CallRecord) {
        if self.records.iter().any(|known| known.id == record.id) {
            self.merge(std::slice::from_ref(record));
        }
    }

    /// Takes an older page.
    pub fn take_page(&mut self, page: &LogPage) {
        self.merge(&page.records);
        self.complete = !page.more;
    }

    fn merge(&mut self, records: &[CallRecord]) {
        let fresh: HashSet<_> = records.iter().map(|record| record.id).collect();
        let all = Arc::make_mut(&mut self.records);
        all.retain(|record| !fresh.contains(&record.id));
        all.extend_from_slice(records);
        all.sort_by_key(|record| (std::cmp::Reverse(record.started_at), record.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample::record;

    fn numbers(log: &CallLog) -> Vec<u64> {
        log.records().iter().map(|record| record.started_at.0).collect()
    }

    #[test]
    fn t18_pages_join_the_newest_without_doubles() {
        let mut log = CallLog::default();
        log.take_newest(&[record(5), record(4)]);
        log.take_page(&LogPage {
            records: vec![record(4), record(3)],
            more: false,
        });
        log.take_newest(&[record(6), record(5)]);
        assert_eq!(numbers(&log), [6, 5, 4, 3]);
        assert!(!log.may_have_more());
        assert_eq!(log.oldest(), Some(UnixMillis(3)));
    }

    #[test]
    fn t18_a_record_that_is_booked_afterwards_changes_in_its_place_and_nowhere_else() {
        let mut log = CallLog::default();
        log.take_newest(&[record(5), record(4)]);
        let booked = |n| CallRecord {
            account_code: Some(ponte_protocol::BookedCode {
                code: "1042".parse().unwrap(),
                name: "Rossi".into(),
            }),
            ..record(n)
        };
        log.take_changed(&booked(4));
        log.take_changed(&booked(3));
        assert_eq!(numbers(&log), [5, 4], "older ones come with their page");
        assert_eq!(log.records()[1], booked(4));
        assert_eq!(log.records()[0], record(5));
    }

    #[test]
    fn a_gap_is_never_shown_as_a_whole_log() {
        let mut log = CallLog::default();
        log.take_newest(&[record(2), record(1)]);
        log.take_newest(&[record(90), record(89)]);
        assert_eq!(numbers(&log), [90, 89]);
    }

    #[test]
    fn a_short_log_has_nothing_to_load() {
        let mut log = CallLog::default();
        log.take_newest(&[record(1)]);
        assert!(!log.may_have_more());
        let full: Vec<_> = (1..=STATE_LOG_MAX as u64).map(record).collect();
        log.take_newest(&full);
        assert!(log.may_have_more());
    }
}
