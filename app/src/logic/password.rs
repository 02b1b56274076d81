//! A hint on how well a password holds, and the rules it must follow.

/// The fewest characters a password has; the edge holds the same rule.
pub const MIN_CHARS: usize = 10;
/// The most characters a password has; the edge holds the same rule.
pub const MAX_CHARS: usize = 256;

/// Why a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    TooShort,
    TooLong,
    /// It is, or contains, the user's own name.
    ContainsName,
    /// The second entry differs.
    Different,
}

/// How well a password holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    Weak,
    Fair,
    Strong,
}

impl Strength {
    /// 1 to 3, for a meter.
    pub const fn level(self) -> u8 {
        match self {
            Self::Weak => 1,
            Self::Fair => 2,
            Self::Strong => 3,
        }
    }
}

/// The first rule that a password entered twice breaks.
pub fn fault(password: &str, again: &str, user: &str) -> Option<Fault> {
    if password.chars().count() < MIN_CHARS {
        return Some(Fault::TooShort);
    }
    if password.chars().count() > MAX_CHARS {
        return Some(Fault::TooLong);
    }
    if contains_name(password, user) {
        return Some(Fault::ContainsName);
    }
    (password != again).then_some(Fault::Different)
}

fn contains_name(password: &str, user: &str) -> bool {
    let name = user.split('@').next().unwrap_or_default();
    name.len() >= 4 && password.to_lowercase().contains(&name.to_lowercase())
}

/// A rough estimate: what a guesser gains from length, kinds of characters, and from runs like `aaaa` or `1234`.
pub fn strength(password: &str) -> Strength {
    let characters: Vec<char> = password.chars().collect();
    let fresh = characters
        .windows(2)
        .filter(|pair| {
            let step = pair[1] as i64 - pair[0] as i64;
            !(-1..=1).contains(&step)
        })
        .count()
        + usize::from(!characters.is_empty());
    let kinds = [
        characters.iter().any(|c| c.is_lowercase()),
        characters.iter().any(|c| c.is_uppercase()),
        characters.iter().any(char::is_ascii_digit),
        characters.iter().any(|c| !c.is_alphanumeric()),
    ]
    .into_iter()
    .filter(|kind| *kind)
    .count();
    match fresh + 2 * kinds {
        0..13 => Strength::Weak,
        13..19 => Strength::Fair,
        _ => Strength::Strong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_told_one_at_a_time() {
        assert_eq!(fault("short", "short", "anna"), Some(Fault::TooShort));
        assert_eq!(fault(&"x".repeat(257), "", "anna"), Some(Fault::TooLong));
        assert_eq!(
            fault("my-Anna.Rossi-pass", "", "anna.rossi@example.org"),
            Some(Fault::ContainsName)
        );
        assert_eq!(
            fault("correct horse", "correct house", "anna"),
            Some(Fault::Different)
        );
        assert_eq!(fault("correct horse", "correct horse", "anna"), None);
    }

    #[test]
    fn characters_count_not_bytes() {
        assert_eq!(fault("àèìòùàèìò", "àèìòùàèìò", "x"), Some(Fault::TooShort));
        assert_eq!(fault("àèìòùàèìòù", "àèìòùàèìòù", "x"), None);
    }

    #[test]
    fn runs_are_weak_and_phrases_strong() {
        assert_eq!(strength(""), Strength::Weak);
        assert_eq!(strength("aaaaaaaaaaaa"), Strength::Weak);
        assert_eq!(strength("1234567890"), Strength::Weak);
        assert_eq!(strength("Ponte-rosso7"), Strength::Fair);
        assert_eq!(strength("four grey boats on Tuesday"), Strength::Strong);
    }
}
