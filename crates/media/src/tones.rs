/// Whose tones (ITU-T E.180 supplement 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Country {
    It,
    Us,
    Uk,
    De,
}

/// A call-progress tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// The far telephone rings.
    Ringback,
    Busy,
    /// The network cannot carry the call.
    Congestion,
    /// Special information tone: an announcement follows.
    Sit,
    /// A soft tick while the network is silent: the call is being set up.
    Progress,
    /// A short beep in the ear: accepted, or a second call waits.
    ConfirmBeep,
}
