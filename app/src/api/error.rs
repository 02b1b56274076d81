//! What can go wrong with a request, by what the user can do about it.

use ponte_protocol::json::{self, FromJson};

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    #[error("user name or password is wrong")]
    WrongCredentials,
    #[error("too many attempts; wait {seconds} s")]
    TooMany { seconds: u32 },
    /// No session, or no longer.
    #[error("not signed in")]
    NotSignedIn,
    #[error(transparent)]
    Invitation(#[from] InvitationFault),
    /// No answer: no network, or the edge is down.
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("unexpected answer {status}")]
    Unexpected { status: u16 },
}

/// Why an invitation, or the password chosen with it, was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitationFault {
    #[error("the invitation is not known")]
    Unknown,
    #[error("the invitation was used or is too old")]
    Gone,
    #[error("the password is too short")]
    TooShort,
    #[error("the password is too long")]
    TooLong,
    #[error("the password is the user's name")]
    ContainsName,
    #[error("the password is too easy to guess")]
    TooCommon,
}

#[derive(FromJson)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(FromJson)]
struct ErrorDetail {
    r#type: String,
    /// Why a password was not taken.
    #[serde(default)]
    reason: Option<String>,
}

/// Reads an answer that is no success. `retry_after` is the header's value.
pub(super) fn classify(status: u16, retry_after: Option<&str>, body: &str) -> ApiError {
    if status == 429 {
        let seconds = retry_after
            .and_then(|value| value.trim().parse().ok())
            .unwrap_or(5)
            .clamp(1, 86_400);
        return ApiError::TooMany { seconds };
    }
    let detail = json::read::<ErrorBody>(body).ok().map(|body| body.error);
    let kind = detail
        .as_ref()
        .map(|detail| detail.reason.as_ref().unwrap_or(&detail.r#type).as_str());
    match (status, kind) {
        (_, Some("wrong_credentials")) => ApiError::WrongCredentials,
        (_, Some("unknown_invitation")) => InvitationFault::Unknown.into(),
        (_, Some("invitation_gone")) => InvitationFault::Gone.into(),
        (_, Some("too_short")) => InvitationFault::TooShort.into(),
        (_, Some("too_long")) => InvitationFault::TooLong.into(),
        (_, Some("user_name")) => InvitationFault::ContainsName.into(),
        (_, Some("common" | "weak_password")) => InvitationFault::TooCommon.into(),
        (401, _) => ApiError::NotSignedIn,
        (502..=504, _) => ApiError::Unreachable,
        _ => ApiError::Unexpected { status },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let body = |kind: &str| format!(r#"{{"error":{{"type":"{kind}"}}}}"#);
        assert_eq!(
            classify(401, None, &body("wrong_credentials")),
            ApiError::WrongCredentials
        );
        assert_eq!(classify(401, None, &body("not_signed_in")), ApiError::NotSignedIn);
        assert_eq!(
            classify(404, None, &body("unknown_invitation")),
            InvitationFault::Unknown.into()
        );
        assert_eq!(
            classify(410, None, &body("invitation_gone")),
            InvitationFault::Gone.into()
        );
        let weak = r#"{"error":{"type":"weak_password","reason":"too_short"}}"#;
        assert_eq!(classify(422, None, weak), InvitationFault::TooShort.into());
        assert_eq!(classify(502, None, "<html>"), ApiError::Unreachable);
        assert_eq!(classify(500, None, "{}"), ApiError::Unexpected { status: 500 });
    }

    #[test]
    fn the_wait_is_read_and_bounded() {
        assert_eq!(classify(429, Some("30"), ""), ApiError::TooMany { seconds: 30 });
        for odd in [None, Some("Wed, 21 Oct 2026"), Some("-1")] {
            assert_eq!(classify(429, odd, ""), ApiError::TooMany { seconds: 5 });
        }
        assert_eq!(classify(429, Some("0"), ""), ApiError::TooMany { seconds: 1 });
        assert_eq!(
            classify(429, Some("4000000000"), ""),
            ApiError::TooMany { seconds: 86_400 }
        );
    }
}
