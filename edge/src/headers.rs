//! Headers on every answer the worker makes. Static files get theirs from `public/_headers`.

/// What a browser may do with an answer of the API: nothing.
pub const API_HEADERS: [(&str, &str); 8] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

#[cfg(test)]
mod tests {
    use super::API_HEADERS;

    const STATIC: &str = include_str!("../../public/_headers");

    fn for_every_file() -> Vec<(String, String)> {
        STATIC
            .lines()
            .skip_while(|line| *line != "/*")
            .skip(1)
            .take_while(|line| line.starts_with(' '))
            .filter_map(|line| line.trim().split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn static_files_carry_what_the_api_carries() {
        let files = for_every_file();
        for (name, value) in API_HEADERS {
            if matches!(name, "Content-Security-Policy" | "Cache-Control") {
                continue;
            }
            assert!(files.iter().any(|(n, v)| n == name && v == value), "{name}");
        }
    }

    /// The headers of every file hold for the administrator's pages too: no block takes one away but the time to keep.
    #[test]
    fn no_folder_takes_a_security_header_away() {
        for line in STATIC.lines().filter(|line| line.trim().starts_with('!')) {
            assert_eq!(line.trim(), "! Cache-Control");
        }
        for folder in [
            "/assets/*",
            "/ponte-app-*",
            "/admin/assets/*",
            "/admin/ponte-admin-*",
        ] {
            assert!(STATIC.lines().any(|line| line == folder), "{folder}");
        }
    }

    #[test]
    fn the_portals_policy_allows_wasm_and_nothing_inline() {
        let files = for_every_file();
        let (_, policy) = files
            .iter()
            .find(|(name, _)| name == "Content-Security-Policy")
            .unwrap();
        assert!(policy.starts_with("default-src 'none'; "));
        assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval';"));
        assert!(policy.contains("frame-ancestors 'none'"));
        for forbidden in ["unsafe-inline", "'unsafe-eval'", "http:", "https:", "*"] {
            assert!(!policy.contains(forbidden), "{forbidden}");
        }
    }
}
