//! Emergency numbers in any dress: a person in need dials what comes to mind.

/// Known in so many countries that no site takes them for anything else, unless they are its extensions.
const ANYWHERE: [&str; 3] = ["112", "911", "999"];
/// What reaches an outside line in many telephone systems.
const OUTSIDE_LINE: [&str; 2] = ["0", "9"];

/// The emergency numbers of a site.
#[derive(Clone, Debug)]
pub(super) struct Emergency {
    numbers: Vec<String>,
    /// What people dial before a number from abroad: `00`, `011`, `+`.
    international: Vec<&'static str>,
    calling_code: String,
    /// What is dialled before a national number: `0`, `1`, or nothing.
    trunk: &'static str,
}

impl Emergency {
    pub(super) fn new(numbers: &[String], calling_code: i32) -> Self {
        let (international, trunk) = match calling_code {
            1 => ("011", "1"),
            _ => ("00", "0"),
        };
        Self {
            numbers: numbers.to_vec(),
            international: vec!["+", international],
            calling_code: calling_code.to_string(),
            trunk,
        }
    }

    /// The number of a service that is asked for by name (RFC 5031): one that is unknown here stands for the one above it, and
    /// all of them for help.
    pub(super) fn of_service(&self, service: &str) -> Option<&str> {
        let is_help = service == "sos" || service.starts_with("sos.");
        is_help
            .then(|| self.numbers.first().map(String::as_str))
            .flatten()
    }

    /// The number as it is in the site's list, after the codes that hide a caller's number (`#31#112`) and a closing `#`.
    pub(super) fn is_plain(&self, dialled: &str) -> bool {
        self.numbers.iter().any(|number| number == undress(dialled))
    }

    /// The number behind an outside line's digit, an international prefix, the country's code, a national prefix or
    /// several of them; or one of another country's numbers.
    pub(super) fn is_dressed(&self, dialled: &str) -> bool {
        self.bare(dialled).is_some()
    }

    /// The number that is meant, as the network knows it: without what a person dialled before and behind it.
    pub(super) fn bare<'a>(&self, dialled: &'a str) -> Option<&'a str> {
        let dialled = undress(dialled);
        let known =
            |text: &&str| ANYWHERE.contains(text) || self.numbers.iter().any(|number| number == *text);
        optional(dialled, &OUTSIDE_LINE).find_map(|rest| {
            optional(rest, &self.international).find_map(|rest| {
                optional(rest, &[self.calling_code.as_str()])
                    .find_map(|rest| optional(rest, &[self.trunk]).find(known))
            })
        })
    }
}

/// The text itself, and without each of the prefixes it starts with.
fn optional<'a, 'p>(text: &'a str, prefixes: &'p [&'p str]) -> impl Iterator<Item = &'a str> + use<'a, 'p> {
    std::iter::once(text).chain(
        prefixes
            .iter()
            .filter_map(move |prefix| text.strip_prefix(prefix)),
    )
}

fn undress(dialled: &str) -> &str {
    let dialled = dialled.trim_end_matches('#');
    match dialled.rsplit_once('#') {
        Some((code, rest)) if code.starts_with(['*', '#']) => rest,
        _ => dialled,
    }
}
