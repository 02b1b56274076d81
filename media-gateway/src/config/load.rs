//! From the text of the file to a checked [`Config`].

use super::reader::{Problems, Section};
use super::secret::Environment;
use super::{
    Config, ConfigError, LogConfig, StoreConfig, TelecommutingConfig, email, features, network, registrar,
    site, trunk, voicemail, webrtc,
};
use ponte_call_core::Timeouts;
use std::path::Path;
use tracing_subscriber::EnvFilter;

const RECORD_DAYS_DEFAULT: u32 = 400;
const FOLDER_DEFAULT: &str = "data";

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError::Read`] where there is no file to read; [`ConfigError::Invalid`] with everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path, &|name| std::env::var(name).ok())
    }

    /// Checks the text of a file. Relative paths in it start at the folder of `path`.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with everything that is wrong.
    pub fn parse(text: &str, path: &Path, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let problems = Problems::new(text);
        let folder = path.parent().unwrap_or(Path::new(""));
        let config = Section::document(text, &problems)
            .and_then(|document| read_document(document, &problems, folder, environment));
        let problems = problems.into_sorted();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError::Invalid {
                path: path.to_owned(),
                problems,
            }),
        }
    }
}

fn read_document(
    mut document: Section<'_, '_>,
    problems: &Problems<'_>,
    folder: &Path,
    environment: Environment<'_>,
) -> Option<Config> {
    let mut site = site::read(document.section_or_empty("site"), problems);
    let store = store(document.section_or_empty("store"), problems, folder);
    let sip = network::sip(document.section_or_empty("sip"), problems, folder);
    let media = network::media(document.section_or_empty("media"), problems, folder, &sip);
    let (webrtc, turn) = document
        .section("webrtc")
        .map(|section| webrtc::read(section, problems, folder, environment))
        .unzip();
    if let Some(site) = &mut site {
        site.browser_calls = webrtc.is_some();
    }
    let trunk_sections = document.sections("trunk");
    if trunk_sections.is_empty() {
        document.missing("trunk", "there is no [[trunk]]; calls need a carrier");
    }
    let trunks = trunk::read_all(trunk_sections, problems, folder, environment);
    let edge = document
        .section("edge")
        .map(|section| network::edge(section, problems, folder, environment));
    let metrics = document
        .section("metrics")
        .map(|section| network::metrics(section, problems));
    let mut timeouts = timeouts(document.section_or_empty("timeouts"));
    let site_name = site.as_ref().map_or("", |site| site.name.as_str());
    let registrar = registrar::read(document.section_or_empty("registrar"), problems, site_name);
    let voicemail = document.section_or_empty("voicemail");
    let voicemail = voicemail::read(voicemail, problems, folder, &store.data_folder, timeouts.message);
    timeouts.message = u64::try_from(voicemail.longest.as_millis()).unwrap_or(u64::MAX);
    let email = document
        .section("email")
        .map(|section| email::read(section, problems, folder, environment));
    let features = features::read(document.section_or_empty("features"), problems);
    let telecommuting = telecommuting(document.section_or_empty("telecommuting"));
    let log = log(document.section_or_empty("log"), problems);
    document.finish();
    Some(Config {
        site: site?,
        sip,
        media,
        webrtc,
        turn: turn.flatten(),
        trunks,
        edge: match edge {
            Some(edge) => Some(edge?),
            None => None,
        },
        metrics: match metrics {
            Some(metrics) => Some(metrics?),
            None => None,
        },
        store,
        registrar,
        voicemail,
        email: match email {
            Some(email) => Some(email?),
            None => None,
        },
        features,
        telecommuting,
        timeouts,
        log,
    })
}

fn store(mut section: Section<'_, '_>, problems: &Problems<'_>, folder: &Path) -> StoreConfig {
    let data_folder = section.text("data_folder");
    if let Some(empty) = data_folder.as_ref().filter(|found| found.value.is_empty()) {
        empty.problem(problems, "must not be empty");
    }
    let record_days = section.number("record_days", 1..=3_650);
    section.finish();
    StoreConfig {
        data_folder: folder.join(data_folder.map_or_else(|| FOLDER_DEFAULT.to_owned(), |found| found.value)),
        record_days: record_days
            .and_then(|found| u32::try_from(found.value).ok())
            .unwrap_or(RECORD_DAYS_DEFAULT),
    }
}

fn telecommuting(mut section: Section<'_, '_>) -> TelecommutingConfig {
    let verify = section.flag("verify_destinations");
    section.finish();
    TelecommutingConfig {
        verify_destinations: verify.is_none_or(|found| found.value),
    }
}

fn timeouts(mut section: Section<'_, '_>) -> Timeouts {
    let mut timeouts = Timeouts::default();
    let mut set = |key, field: &mut u64, range| {
        if let Some(found) = section.number(key, range) {
            *field = found.value;
        }
    };
    set("trunk_response_ms", &mut timeouts.trunk_response, 500..=60_000);
    set("trunk_progress_ms", &mut timeouts.trunk_progress, 2_000..=120_000);
    set("confirm_ms", &mut timeouts.confirm, 3_000..=120_000);
    set("waiting_ms", &mut timeouts.waiting, 3_000..=120_000);
    set("beep_ms", &mut timeouts.beep, 1_000..=60_000);
    set("digits_ms", &mut timeouts.digits, 1_000..=30_000);
    set("confirm_repeat_ms", &mut timeouts.confirm_repeat, 1_000..=60_000);
    set("far_no_answer_ms", &mut timeouts.far_no_answer, 5_000..=600_000);
    set("redial_ms", &mut timeouts.redial, 1_000..=120_000);
    set("whisper_ms", &mut timeouts.whisper, 500..=30_000);
    set("stay_ms", &mut timeouts.stay, 60_000..=86_400_000);
    set("rescue_ms", &mut timeouts.rescue, 0..=300_000);
    set("close_ms", &mut timeouts.close, 1_000..=120_000);
    set(
        "no_audio_warning_ms",
        &mut timeouts.no_audio_warning,
        1_000..=600_000,
    );
    set("no_audio_end_ms", &mut timeouts.no_audio_end, 5_000..=3_600_000);
    if timeouts.no_audio_end < timeouts.no_audio_warning {
        section.missing("no_audio_end_ms", "must not be less than no_audio_warning_ms");
    }
    section.finish();
    timeouts
}

fn log(mut section: Section<'_, '_>, problems: &Problems<'_>) -> LogConfig {
    let level = section.text("level").and_then(|text| {
        text.read(problems, |text| {
            EnvFilter::builder()
                .parse(text)
                .map(|_| text.clone())
                .map_err(|error| format!("'{text}' is no filter, e.g. info or info,ponte_sip=debug: {error}"))
        })
    });
    let format = section.text("format").and_then(|text| {
        text.read(problems, |text| match text.as_str() {
            "text" => Ok(false),
            "json" => Ok(true),
            _ => Err(format!("'{text}' is no format; text or json")),
        })
    });
    section.finish();
    LogConfig {
        level: level.map_or_else(|| "info".to_owned(), |found| found.value),
        json: format.is_some_and(|found| found.value),
    }
}
