//! Who is signed in.

use crate::api::SignedIn;
use leptos::prelude::*;

/// Whether somebody is signed in in this browser.
#[derive(Clone, PartialEq)]
pub enum Session {
    /// The edge has not answered yet.
    Unknown,
    /// The edge could not be asked.
    Unreachable,
    Guest {
        /// The session ended without the user's doing.
        ended: bool,
    },
    SignedIn(SignedIn),
}

/// The session, for every component.
#[derive(Clone, Copy)]
pub struct SessionContext(pub RwSignal<Session>);

impl SessionContext {
    /// An unknown session, as the context's.
    pub fn provide() -> Self {
        let context = Self(RwSignal::new(Session::Unknown));
        provide_context(context);
        context
    }

    /// The context's session.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Goes over to another session.
    pub fn set(self, session: Session) {
        self.0.set(session);
    }
}
