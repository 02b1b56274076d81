//! Files of the portal whose names change with their content, in the codings that the build has laid beside them
//! (docs/adr/0034).

/// Where they are: `run_worker_first` in `wrangler.toml` names the same, and `public/_headers` lets browsers keep them.
const PREFIXES: [&str; 4] = ["/assets/", "/ponte-app-", "/admin/assets/", "/admin/ponte-admin-"];

/// How the content of a file is coded on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// The best first: the smallest.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// The name in `Content-Encoding`; none for what is not coded.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// What the name of the file that holds it ends with.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    /// What an `Accept-Encoding` wants most, the smallest among equals (RFC 9110, section 12.5.3). A file that is not coded
    /// is the last resort even where it is forbidden: that is better than no file.
    pub fn chosen(accept: &str) -> Self {
        let weights = Self::ALL.map(|coding| (coding, weight(accept, coding)));
        // The first of the heaviest.
        let best = weights
            .into_iter()
            .rev()
            .filter(|(_, weight)| *weight > 0)
            .max_by_key(|(_, weight)| *weight);
        best.map_or(Self::Identity, |(coding, _)| coding)
    }
}

/// Whether a path may be one of these files.
pub fn is_lasting(path: &str) -> bool {
    PREFIXES.iter().any(|prefix| path.starts_with(prefix))
}

/// The `Content-Type` of a file that the build compresses; `None` where it does not.
pub fn compressed_type(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "wasm" => Some("application/wasm"),
        _ => None,
    }
}

/// How much a coding is wanted, in thousandths. Where nothing is said of it, what is not coded is wanted least.
fn weight(accept: &str, coding: Coding) -> u16 {
    let name = coding.name().unwrap_or("identity");
    let said = |wanted: &str| {
        accept.split(',').find_map(|one| {
            let (named, parameter) = one.split_once(';').unwrap_or((one, ""));
            (named.trim().eq_ignore_ascii_case(wanted)).then(|| thousandths(parameter.trim()))
        })
    };
    let unsaid = u16::from(coding == Coding::Identity);
    said(name).or_else(|| said("*")).unwrap_or(unsaid)
}

/// A `q=0.5` in thousandths; 1 where there is none, 0 where it is no weight.
fn thousandths(parameter: &str) -> u16 {
    const WHOLE: u16 = 1000;
    if parameter.is_empty() {
        return WHOLE;
    }
    let Some((name, value)) = parameter.split_once('=') else {
        return 0;
    };
    let value: f32 = value.trim().parse().unwrap_or_default();
    if !name.trim().eq_ignore_ascii_case("q") || !(0.0..=1.0).contains(&value) {
        return 0;
    }
    // At most 1000.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let weight = (value * f32::from(WHOLE)).round() as u16;
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURATION: &str = include_str!("../wrangler.toml");
    const HEADERS: &str = include_str!("../../public/_headers");

    #[test]
    fn what_is_wanted_most_is_sent_and_the_smallest_among_equals() {
        for (accept, chosen) in [
            ("br", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("", Coding::Identity),
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("BR , GZIP", Coding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("br;q=0, gzip", Coding::Gzip),
            ("br;q=0, gzip;q=0.000", Coding::Identity),
            ("br; q=0.1, gzip ;q=0.2", Coding::Gzip),
            ("*", Coding::Brotli),
            ("*;q=0.1, br;q=0", Coding::Gzip),
            ("gzip;q=0.001", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("identity;q=0.5, gzip", Coding::Gzip),
            ("deflate, zstd", Coding::Identity),
            ("identity;q=0", Coding::Identity),
            ("*;q=0", Coding::Identity),
        ] {
            assert_eq!(Coding::chosen(accept), chosen, "{accept}");
        }
    }

    #[test]
    fn a_weight_that_is_none_wants_nothing() {
        for accept in [
            "br;q=2",
            "br;q=-1",
            "br;q=",
            "br;q",
            "br;x=1",
            "br;q=nan",
            "brotli",
            "b r",
            ";;,,=;q=1",
        ] {
            assert_eq!(Coding::chosen(accept), Coding::Identity, "{accept}");
        }
    }

    #[test]
    fn the_same_files_are_lasting_coded_and_led_to_the_worker() {
        for prefix in PREFIXES {
            assert!(is_lasting(&format!("{prefix}x.js")));
            let path = format!("{prefix}*");
            assert!(HEADERS.lines().any(|line| line == path), "{path}");
            assert!(CONFIGURATION.contains(&format!("\"{path}\"")), "{path}");
        }
        for other in [
            "/",
            "/index.html",
            "/start.js",
            "/i18n/en.json",
            "/sw.js",
            "/admin/",
            "/api/assets/x",
        ] {
            assert!(!is_lasting(other), "{other}");
        }
    }

    #[test]
    fn only_what_is_compressed_has_a_type() {
        assert_eq!(compressed_type("/ponte-app-1_bg.wasm"), Some("application/wasm"));
        assert_eq!(
            compressed_type("/assets/styles-1.css"),
            Some("text/css; charset=utf-8")
        );
        assert_eq!(compressed_type("/assets/picture.png"), None);
        assert_eq!(compressed_type("/assets/x.js.br"), None);
        assert_eq!(compressed_type("/assets/"), None);
    }
}
