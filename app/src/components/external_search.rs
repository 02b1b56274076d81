//! Looking people up in the directory elsewhere while somebody types, for whatever shows who is found.

use crate::i18n::{Locale, text};
use crate::live::memo;
use crate::logic::external::{Failure, Finding, Found};
use crate::state::Portal;
use crate::words;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_protocol::ExternalPerson;

/// How long after the last key something is asked for, in milliseconds.
const PAUSE_MS: u32 = 250;

/// A search for what is typed; of a site without such a directory it asks nothing and finds nobody.
#[derive(Clone, Copy)]
pub struct ExternalSearch {
    portal: Portal,
    finding: RwSignal<Finding>,
    name: Memo<Option<String>>,
}

impl ExternalSearch {
    /// Searches for what stands in `typed`, for as long as the component that asks lives.
    pub fn new(portal: Portal, typed: RwSignal<String>) -> Self {
        let profile = portal.profile();
        let search = Self {
            portal,
            finding: RwSignal::new(Finding::default()),
            name: memo(move || {
                profile.with(|profile| profile.as_ref().and_then(|one| one.external_directory.clone()))
            }),
        };
        Effect::new(move || {
            let typed = typed.get();
            if search.is_there()
                && let Some(Some(turn)) = search.finding.try_update(|finding| finding.type_in(&typed))
            {
                search.ask(turn, PAUSE_MS);
            }
        });
        search
    }

    fn ask(self, turn: u32, pause_ms: u32) {
        spawn_local(async move {
            TimeoutFuture::new(pause_ms).await;
            // The component may be gone by then.
            let Some(Some(body)) = self.finding.try_with_untracked(|finding| finding.ask(turn)) else {
                return;
            };
            let outcome = self.portal.ask_for(body).await;
            let _ = self.finding.try_update(|finding| finding.take(turn, outcome));
        });
    }

    /// Asks for the same once more.
    pub fn again(self) {
        if let Some(turn) = self.finding.try_update(Finding::again) {
            self.ask(turn, 0);
        }
    }

    /// Whether the site has such a directory, tracked.
    pub fn is_there(self) -> bool {
        self.name.with(Option::is_some)
    }

    /// What the directory is called, tracked.
    pub fn name(self, locale: Locale) -> String {
        let own = self.name.get().filter(|name| !name.is_empty());
        own.unwrap_or_else(|| text::external::title(locale).to_owned())
    }

    /// What the search has come to, tracked.
    pub fn found<T>(self, of: impl FnOnce(&Found) -> T) -> T {
        self.finding.with(|finding| of(&finding.found))
    }

    /// Who was found for what is typed, and of those found before who fits it; tracked.
    pub fn fitting(self) -> Vec<ExternalPerson> {
        self.finding
            .with(|finding| finding.fitting().into_iter().cloned().collect())
    }

    /// Why nobody could be found, tracked.
    pub fn failure(self, locale: Locale) -> Option<String> {
        self.found(|found| match found {
            Found::Failed(Failure::Directory(fault)) => {
                Some(words::directory_fault(locale, *fault).to_owned())
            }
            Found::Failed(Failure::Refused(refusal)) => Some(words::refusal(locale, refusal)),
            Found::Failed(Failure::Silence) => Some(text::external::too_slow(locale).to_owned()),
            _ => None,
        })
    }
}
