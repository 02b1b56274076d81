//! The session's cookie.

use crate::crypto::Token;

/// `__Host-` makes the browser insist on `Secure`, `Path=/` and no `Domain`, so no other host can set it.
pub const NAME: &str = "__Host-ponte";

/// The `Set-Cookie` that hands out a session.
pub fn set(token: &Token, max_age_ms: u64) -> String {
    let seconds = max_age_ms / 1000;
    format!(
        "{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}",
        token.reveal()
    )
}

/// The `Set-Cookie` that takes it away.
pub fn clear() -> String {
    format!("{NAME}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// The session's token out of a `Cookie` header. Two cookies of that name are none: one of them was planted.
pub fn read(header: Option<&str>) -> Option<Token> {
    let mut values = header?
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME)
        .map(|(_, value)| value);
    let token = Token::parse(values.next()?)?;
    values.next().is_none().then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_back() {
        let token = Token::random().unwrap();
        let header = set(&token, 30_000);
        assert!(header.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=30"));
        let pair = header.split(';').next().unwrap();
        let read_back = read(Some(&format!("theme=dark; {pair}; x=y"))).unwrap();
        assert_eq!(read_back.reveal(), token.reveal());
    }

    #[test]
    fn anything_else_is_no_session() {
        let token = "a".repeat(43);
        for bad in [
            String::new(),
            "=".into(),
            ";;;".into(),
            format!("ponte={token}"),
            format!("__host-ponte={token}"),
            "__Host-ponte=".into(),
            format!("__Host-ponte={token}; __Host-ponte={token}"),
            format!("__Host-ponte=\"{token}\""),
        ] {
            assert!(read(Some(&bad)).is_none(), "{bad}");
        }
        assert!(read(None).is_none());
    }
}
