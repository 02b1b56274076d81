//! What a signed-in user may ask.

use super::{ApiError, Guest, request};
use ponte_protocol::UnixMillis;
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

/// A token with which a program of the user's dials; its secret is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, FromJson)]
pub struct DialToken {
    pub id: String,
    pub label: String,
    #[serde(default)]
    pub used_at: Option<UnixMillis>,
}

/// A token that was just made.
#[derive(Clone, PartialEq, Eq, FromJson)]
pub struct NewDialToken {
    pub id: String,
    pub token: String,
}

#[derive(FromJson)]
struct DialTokens {
    tokens: Vec<DialToken>,
}

#[derive(ToJson)]
struct Label<'a> {
    label: &'a str,
}

#[derive(ToJson)]
struct Id<'a> {
    id: &'a str,
}

impl SignedIn {
    /// The tokens of the user, the newest first.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn dial_tokens() -> Result<Vec<DialToken>, ApiError> {
        let DialTokens { tokens } = request::read(request::get("/api/dial-tokens").await?).await?;
        Ok(tokens)
    }

    /// Makes a token. `label`: 1 to 60 characters.
    ///
    /// # Errors
    /// [`ApiError`]; a user has at most ten.
    pub async fn make_dial_token(label: &str) -> Result<NewDialToken, ApiError> {
        request::read(request::post("/api/dial-tokens", &Label { label }).await?).await
    }

    /// Revokes a token: nothing is dialled with it any more.
    ///
    /// # Errors
    /// [`ApiError`]; then it may still stand.
    pub async fn revoke_dial_token(id: &str) -> Result<(), ApiError> {
        request::post("/api/dial-tokens/revoke", &Id { id })
            .await
            .map(drop)
    }

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
