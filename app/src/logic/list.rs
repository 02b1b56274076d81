//! The keyboard in a list that belongs to a field (a listbox of WAI-ARIA).

/// How many rows Page Up and Page Down go.
const LEAP: usize = 8;

/// Where a key takes the keyboard in a list of `count` rows of which it is on `at`; `None` for a key that is not the list's.
/// The arrows go round. Home, End, Page Up and Page Down are the list's only while the keyboard is on it: before that they
/// belong to the field.
pub fn arrow(key: &str, at: Option<usize>, count: usize) -> Option<usize> {
    let last = count.checked_sub(1)?;
    let to = match (key, at.filter(|at| *at <= last)) {
        ("ArrowDown", at) => at.filter(|at| *at < last).map_or(0, |at| at + 1),
        ("ArrowUp", at) => at.filter(|at| *at > 0).map_or(last, |at| at - 1),
        ("Home", Some(_)) => 0,
        ("End", Some(_)) => last,
        ("PageUp", Some(at)) => at.saturating_sub(LEAP),
        ("PageDown", Some(at)) => last.min(at + LEAP),
        _ => return None,
    };
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrows_go_round_from_nowhere_and_from_both_ends() {
        for (key, at, to) in [
            ("ArrowDown", None, 0),
            ("ArrowDown", Some(0), 1),
            ("ArrowDown", Some(2), 0),
            ("ArrowUp", None, 2),
            ("ArrowUp", Some(2), 1),
            ("ArrowUp", Some(0), 2),
        ] {
            assert_eq!(arrow(key, at, 3), Some(to), "{key} at {at:?}");
        }
        assert_eq!(arrow("ArrowUp", Some(0), 1), Some(0));
    }

    #[test]
    fn a_place_that_the_list_no_longer_has_is_none() {
        assert_eq!(arrow("ArrowDown", Some(7), 3), Some(0));
        assert_eq!(arrow("ArrowUp", Some(7), 3), Some(2));
        assert_eq!(arrow("Home", Some(7), 3), None);
    }

    #[test]
    fn the_keys_that_leap_stop_at_the_ends_and_are_the_fields_before() {
        for (key, at, to) in [
            ("Home", 5, 0),
            ("End", 5, 19),
            ("PageDown", 5, 13),
            ("PageDown", 15, 19),
            ("PageUp", 15, 7),
            ("PageUp", 5, 0),
        ] {
            assert_eq!(arrow(key, Some(at), 20), Some(to), "{key} at {at}");
            assert_eq!(arrow(key, None, 20), None, "{key}");
        }
    }

    #[test]
    fn an_empty_list_and_other_keys_take_nothing() {
        for key in ["ArrowDown", "ArrowUp", "Home", "End", "PageUp", "PageDown"] {
            assert_eq!(arrow(key, None, 0), None, "{key}");
        }
        for key in ["Enter", "Escape", "Tab", "a", "ArrowLeft", "ArrowRight"] {
            assert_eq!(arrow(key, Some(1), 3), None, "{key}");
        }
    }
}
