//! Messages on their way, in order for each browser: a call that has ended must not arrive before the call.

use std::collections::{HashMap, VecDeque};

/// Messages that may wait for one browser; the oldest give way.
const WAITING_MAX: usize = 8;
/// Browsers of a site to which something may be on its way at once; what is for others is dropped.
const BROWSERS_MAX: usize = 256;

/// What came of adding a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Nothing was on its way to this browser: somebody must begin to take messages for it.
    Begin,
    /// Whoever takes messages for this browser comes to it.
    Waits,
    /// There is too much on its way.
    Dropped,
}

/// Messages by browser.
#[derive(Debug)]
pub struct Queues<T>(HashMap<String, VecDeque<T>>);

impl<T> Default for Queues<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Queues<T> {
    /// Adds a message for a browser.
    pub fn add(&mut self, browser: &str, message: T) -> Added {
        if let Some(waiting) = self.0.get_mut(browser) {
            if waiting.len() >= WAITING_MAX {
                waiting.pop_front();
            }
            waiting.push_back(message);
            return Added::Waits;
        }
        if self.0.len() >= BROWSERS_MAX {
            return Added::Dropped;
        }
        self.0.insert(browser.to_owned(), VecDeque::from([message]));
        Added::Begin
    }

    /// The next message for a browser. After `None` nobody takes messages for it any more.
    pub fn take(&mut self, browser: &str) -> Option<T> {
        let next = self.0.get_mut(browser)?.pop_front();
        if next.is_none() {
            self.0.remove(browser);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_browser_has_its_messages_in_order_and_one_taker() {
        let mut queues = Queues::default();
        assert_eq!(queues.add("a", 1), Added::Begin);
        assert_eq!(queues.take("a"), Some(1));
        // The first is on its way.
        assert_eq!(queues.add("a", 2), Added::Waits);
        assert_eq!(queues.add("b", 3), Added::Begin);
        assert_eq!(queues.take("a"), Some(2));
        assert_eq!(queues.take("a"), None);
        assert_eq!(queues.add("a", 4), Added::Begin);
        assert_eq!(queues.take("b"), Some(3));
    }

    #[test]
    fn a_browser_that_hangs_and_a_site_with_many_are_bounded() {
        let mut queues = Queues::default();
        for n in 0..100 {
            queues.add("a", n);
        }
        let left: Vec<_> = std::iter::from_fn(|| queues.take("a")).collect();
        assert_eq!(left, [92, 93, 94, 95, 96, 97, 98, 99]);
        for n in 0..BROWSERS_MAX {
            assert_eq!(queues.add(&n.to_string(), 0), Added::Begin);
        }
        assert_eq!(queues.add("one more", 0), Added::Dropped);
    }
}
