//! Short messages at the edge of the window.

use crate::browser;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, UnixMillis};

/// How long a message stays, in milliseconds.
const STAY_MS: u64 = 6_000;
/// How long an error stays, in milliseconds.
const ERROR_STAY_MS: u64 = 12_000;
/// The most messages at once; the oldest gives way.
const MOST: usize = 4;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    Info,
    Success,
    Error,
}

impl ToastKind {
    /// For attributes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Error => "error",
        }
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    pub id: u64,
    pub kind: ToastKind,
    pub text: String,
    /// A command that undoes what the message tells of.
    pub undo: Option<CommandBody>,
    /// By the local clock.
    until: UnixMillis,
}

/// The messages shown.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u64>,
    /// The command that a user asked for by "undo", until the portal takes it.
    undone: RwSignal<Option<CommandBody>>,
}

impl Toasts {
    /// No messages, as the context's.
    pub fn provide() -> Self {
        let toasts = Self {
            shown: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
            undone: RwSignal::new(None),
        };
        provide_context(toasts);
        toasts
    }

    /// The messages, tracked.
    pub fn list(self) -> Vec<Toast> {
        self.shown.get()
    }

    /// Shows a message.
    pub fn show(self, kind: ToastKind, text: impl Into<String>) {
        self.push(kind, text.into(), None);
    }

    /// Shows a message with a way back.
    pub fn show_with_undo(self, text: impl Into<String>, undo: CommandBody) {
        self.push(ToastKind::Info, text.into(), Some(undo));
    }

    fn push(self, kind: ToastKind, text: String, undo: Option<CommandBody>) {
        let stay = if kind == ToastKind::Error || undo.is_some() {
            ERROR_STAY_MS
        } else {
            STAY_MS
        };
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        let toast = Toast {
            id,
            kind,
            text,
            undo,
            until: browser::now().plus(stay),
        };
        self.shown.update(|toasts| {
            // The same words again move to the end instead of piling up.
            toasts.retain(|shown| shown.text != toast.text);
            toasts.push(toast);
            let surplus = toasts.len().saturating_sub(MOST);
            toasts.drain(..surplus);
        });
    }

    /// Asks for the command that undoes what the message told of.
    pub fn undo(self, id: u64, command: CommandBody) {
        self.dismiss(id);
        self.undone.set(Some(command));
    }

    /// Takes the command asked for by "undo", tracked.
    pub fn take_undone(self) -> Option<CommandBody> {
        let undone = self.undone.get();
        if undone.is_some() {
            self.undone.set(None);
        }
        undone
    }

    /// Puts a message away.
    pub fn dismiss(self, id: u64) {
        self.shown.update(|toasts| toasts.retain(|toast| toast.id != id));
    }

    /// Puts away what has been shown long enough.
    pub fn tick(self, now: UnixMillis) {
        if self
            .shown
            .with_untracked(|toasts| toasts.iter().any(|toast| toast.until <= now))
        {
            self.shown
                .update(|toasts| toasts.retain(|toast| toast.until > now));
        }
    }
}
