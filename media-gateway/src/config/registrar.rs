//! `[registrar]`: how desk telephones register (RFC 3261 section 10).

use super::RegistrarConfig;
use super::reader::{Found, Problems, Section};
use ponte_sip::digest::Algorithm;
use std::time::Duration;

const MIN_DEFAULT_S: u64 = 60;
const MAX_DEFAULT_S: u64 = 3_600;

/// Both are kept of each password.
const OFFERED: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

/// What every telephone takes; some give up where SHA-256 is offered beside it.
const DEFAULT: [Algorithm; 1] = [Algorithm::Md5];

fn algorithms(list: Found<Vec<Found<String>>>, problems: &Problems<'_>) -> Vec<Algorithm> {
    if list.value.is_empty() {
        list.problem(problems, "offers nothing; give SHA-256, MD5 or both");
    }
    let mut algorithms = Vec::new();
    for text in list.value {
        let read = text.read(problems, |text| {
            Algorithm::from_text(text)
                .filter(|algorithm| OFFERED.contains(algorithm))
                .ok_or_else(|| format!("'{text}' is neither SHA-256 nor MD5"))
        });
        if let Some(algorithm) = read {
            if algorithms.contains(&algorithm.value) {
                algorithm.problem(problems, "stands here twice");
            } else {
                algorithms.push(algorithm.value);
            }
        }
    }
    algorithms
}

/// `site` is the realm where nothing else is said.
pub(super) fn read(mut section: Section<'_, '_>, problems: &Problems<'_>, site: &str) -> RegistrarConfig {
    let realm = section.text("realm").and_then(|text| {
        text.read(problems, |text| {
            let fits = |byte: u8| (0x20..0x7f).contains(&byte) && !b"\"\\".contains(&byte);
            if text.is_empty() || text.len() > 100 || !text.bytes().all(fits) {
                return Err(
                    "must be 1 to 100 printable ASCII characters without quotation marks and backslashes",
                );
            }
            Ok(text.clone())
        })
    });
    let min = section.number("min_expires_s", 30..=3_600);
    let max = section.number("max_expires_s", 60..=86_400);
    let min_s = min.as_ref().map_or(MIN_DEFAULT_S, |found| found.value);
    let max_s = max.as_ref().map_or(MAX_DEFAULT_S.max(min_s), |found| found.value);
    if let Some(max) = max.as_ref().filter(|max| max.value < min_s) {
        max.problem(
            problems,
            format_args!("must not be less than min_expires_s, {min_s}"),
        );
    }
    let digest = section
        .texts("digest")
        .map(|list| algorithms(list, problems))
        .unwrap_or_default();
    let hold = super::trunk::hold(&mut section, problems);
    section.finish();
    RegistrarConfig {
        realm: realm.map_or_else(|| site.to_owned(), |found| found.value),
        min_expires: Duration::from_secs(min_s),
        max_expires: Duration::from_secs(max_s),
        digest: if digest.is_empty() {
            DEFAULT.to_vec()
        } else {
            digest
        },
        hold,
    }
}
