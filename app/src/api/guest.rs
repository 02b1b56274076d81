//! What somebody who is not signed in may ask.

use super::{ApiError, SignedIn, request};
use ponte_protocol::UnixMillis;
use ponte_protocol::json::{FromJson, ToJson};

/// The client of somebody who is not signed in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guest;

#[derive(ToJson)]
struct Credentials<'a> {
    user: &'a str,
    password: &'a str,
}

#[derive(ToJson)]
struct Token<'a> {
    token: &'a str,
}

#[derive(ToJson)]
struct FirstPassword<'a> {
    token: &'a str,
    password: &'a str,
}

#[derive(FromJson)]
struct Identity {
    user: String,
    display_name: String,
}

/// Whom an invitation is for.
#[derive(Clone, Debug, PartialEq, Eq, FromJson)]
pub struct Invitation {
    pub user: String,
    pub display_name: String,
    pub expires_at: UnixMillis,
}

impl Guest {
    /// Takes up the session that this browser's cookie holds.
    ///
    /// # Errors
    /// [`ApiError::NotSignedIn`] without one.
    pub async fn resume(self) -> Result<SignedIn, ApiError> {
        let identity: Option<Identity> = request::read(request::get("/api/session").await?).await?;
        let Identity { user, display_name } = identity.ok_or(ApiError::NotSignedIn)?;
        Ok(SignedIn::new(user, display_name))
    }

    /// Signs in.
    ///
    /// # Errors
    /// [`ApiError::WrongCredentials`], or [`ApiError::TooMany`] with the wait.
    pub async fn sign_in(self, user: &str, password: &str) -> Result<SignedIn, ApiError> {
        request::post("/api/sign-in", &Credentials { user, password }).await?;
        self.resume().await
    }

    /// Whom an invitation is for.
    ///
    /// # Errors
    /// [`ApiError::Invitation`] when it is of no use.
    pub async fn check_invitation(self, token: &str) -> Result<Invitation, ApiError> {
        request::read(request::post("/api/invitation/check", &Token { token }).await?).await
    }

    /// Sets the first password, which signs in.
    ///
    /// # Errors
    /// [`ApiError::Invitation`] when the invitation or the password was not taken.
    pub async fn accept_invitation(self, token: &str, password: &str) -> Result<SignedIn, ApiError> {
        request::post("/api/invitation", &FirstPassword { token, password }).await?;
        self.resume().await
    }
}
