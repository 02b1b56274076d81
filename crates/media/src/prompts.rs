/// The language of a spoken prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    En,
    It,
}

/// A spoken sentence. The texts are in `prompts/README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// Who calls, and: press 1 to accept.
    ConfirmPressOne,
    Connecting,
    Busy,
    Declined,
    NoAnswer,
    NoSuchNumber,
    /// The number exists but cannot be reached now.
    Unavailable,
    NetworkFailure,
    Congestion,
    /// The user's restrictions forbid this number.
    NotPermitted,
    /// Dial again in the portal; the line stays open.
    DialAgain,
    /// The other party hung up.
    CallEnded,
    Goodbye,
}
