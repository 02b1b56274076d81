//! What a signed-in user may ask.

use super::{ApiError, Guest, request};
use ponte_protocol::json::{FromJson, ToJson};

/// The client of a signed-in user. The session itself is a cookie that no script can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    user: String,
    display_name: String,
}

#[derive(ToJson)]
struct Nothing {}

#[derive(FromJson)]
struct Ticket {
    ticket: String,
}

impl SignedIn {
    pub(super) fn new(user: String, display_name: String) -> Self {
        Self { user, display_name }
    }

    /// The name the user signed in with.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The name the user is shown by.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// A ticket that opens one socket.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`] when the session is over.
    pub async fn ticket(&self) -> Result<String, ApiError> {
        let Ticket { ticket } = request::read(request::post("/api/ticket", &Nothing {}).await?).await?;
        Ok(ticket)
    }

    /// Ends the session, in every window.
    ///
    /// # Errors
    /// [`ApiError::Unreachable`]: the session still stands.
    pub async fn sign_out(&self) -> Result<Guest, ApiError> {
        match request::post("/api/sign-out", &Nothing {}).await {
            Ok(_) | Err(ApiError::NotSignedIn) => Ok(Guest),
            Err(error) => Err(error),
        }
    }
}
