//! Whether a request comes from the portal's own pages.

/// Whether an `Origin` header is exactly the origin of the portal: that of the request itself, or the configured one,
/// where a proxy in front changes what the request says. A request without one is refused.
pub fn is_own(origin: Option<&str>, request_origin: Option<&str>, public_origin: Option<&str>) -> bool {
    let Some(origin) = origin.filter(|origin| !origin.is_empty() && *origin != "null") else {
        return false;
    };
    match public_origin
        .map(str::trim)
        .filter(|configured| !configured.is_empty())
    {
        Some(configured) => configured.trim_end_matches('/') == origin,
        None => request_origin == Some(origin),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_origin_is_ours() {
        let own = Some("https://ponte.example");
        assert!(is_own(own, own, None));
        for stranger in [
            None,
            Some(""),
            Some("null"),
            Some("http://ponte.example"),
            Some("https://ponte.example:8443"),
            Some("https://ponte.example.evil.example"),
            Some("https://evil.example"),
            Some("https://PONTE.example"),
            Some("https://ponte.example/"),
        ] {
            assert!(!is_own(stranger, own, None), "{stranger:?}");
        }
        assert!(!is_own(None, None, None));
    }

    #[test]
    fn a_configured_origin_decides_alone() {
        let inner = Some("http://127.0.0.1:8787");
        assert!(is_own(
            Some("https://ponte.example"),
            inner,
            Some("https://ponte.example/")
        ));
        assert!(!is_own(inner, inner, Some("https://ponte.example")));
        assert!(is_own(inner, inner, Some(" ")));
    }
}
