//! Telephones, and what they do when they are called.

use ponte_call_core::LegEndKind;

/// Something a telephone, or the network before it, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A provisional answer.
    Progress {
        status: u16,
        early_media: bool,
    },
    Answer,
    /// A final failure answer.
    Refuse {
        status: u16,
        q850: Option<u8>,
    },
    HangUp {
        q850: Option<u8>,
    },
    /// The leg fails without a word from the network.
    Fail(LegEndKind),
    Press(char),
    /// No audio comes any more.
    FallSilent,
    /// Audio comes again.
    Speak,
}

/// What a telephone does when it is called: acts, each some milliseconds after the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    pub(crate) script: Vec<(u64, Act)>,
    /// How long it takes to say that it ended, once told to close; `None`: it never does.
    pub(crate) closes_after: Option<u64>,
}

impl Phone {
    fn from_script(script: &[(u64, Act)]) -> Self {
        Self {
            script: script.to_vec(),
            closes_after: Some(10),
        }
    }

    fn then(mut self, after_ms: u64, act: Act) -> Self {
        self.script.push((after_ms, act));
        self
    }

    /// Does nothing at all: not even its network answers.
    pub fn silent() -> Self {
        Self::from_script(&[])
    }

    /// The network takes the call and says no more.
    pub fn trying() -> Self {
        Self::silent().progress_after(0, 100)
    }

    /// Rings, and nobody comes.
    pub fn rings_out() -> Self {
        Self::trying().progress_after(200, 180)
    }

    /// Rings, and is answered `ms` after that.
    pub fn answers_after(ms: u64) -> Self {
        Self::rings_out().then(ms, Act::Answer)
    }

    /// Answers as a voicemail does: nobody presses a key.
    pub fn voicemail() -> Self {
        Self::answers_after(1_500).hangs_up_after(60_000)
    }

    /// The network refuses the call with this SIP status.
    pub fn refuses(status: u16) -> Self {
        Self::trying().then(100, Act::Refuse { status, q850: None })
    }

    /// The network refuses the call and names a Q.850 cause.
    pub fn refuses_with(status: u16, q850: u8) -> Self {
        let q850 = Some(q850);
        Self::trying().then(100, Act::Refuse { status, q850 })
    }

    /// Rings, then refuses.
    pub fn rings_then_refuses(after_ms: u64, status: u16) -> Self {
        Self::rings_out().then(after_ms, Act::Refuse { status, q850: None })
    }

    /// Fails after `ms` without a word.
    pub fn fails(after_ms: u64, kind: LegEndKind) -> Self {
        Self::silent().then(after_ms, Act::Fail(kind))
    }

    /// Early media after `ms`, e.g. the carrier's announcement.
    pub fn early_media_after(ms: u64) -> Self {
        Self::trying().then(
            ms,
            Act::Progress {
                status: 183,
                early_media: true,
            },
        )
    }

    pub fn progress_after(self, ms: u64, status: u16) -> Self {
        self.then(
            ms,
            Act::Progress {
                status,
                early_media: false,
            },
        )
    }

    pub fn then_answers_after(self, ms: u64) -> Self {
        self.then(ms, Act::Answer)
    }

    pub fn then_refuses_after(self, ms: u64, status: u16) -> Self {
        self.then(ms, Act::Refuse { status, q850: None })
    }

    pub fn hangs_up_after(self, ms: u64) -> Self {
        self.then(ms, Act::HangUp { q850: None })
    }

    /// Its network clears the answered call and names a Q.850 cause.
    pub fn cleared_after(self, ms: u64, q850: u8) -> Self {
        self.then(ms, Act::HangUp { q850: Some(q850) })
    }

    pub fn then_fails_after(self, ms: u64, kind: LegEndKind) -> Self {
        self.then(ms, Act::Fail(kind))
    }

    pub fn presses_after(self, ms: u64, key: char) -> Self {
        self.then(ms, Act::Press(key))
    }

    pub fn falls_silent_after(self, ms: u64) -> Self {
        self.then(ms, Act::FallSilent)
    }

    pub fn speaks_after(self, ms: u64) -> Self {
        self.then(ms, Act::Speak)
    }

    /// It never says that it ended, however often it is told to close.
    pub fn ignores_close(mut self) -> Self {
        self.closes_after = None;
        self
    }
}

/// What a trunk does with the calls it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrunkHabit {
    /// It carries them to the telephone.
    Carries,
    /// It refuses them with a SIP status.
    Refuses(u16),
    /// It says nothing.
    Silent,
    /// They fail without a word.
    Fails(LegEndKind),
}
