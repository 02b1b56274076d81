//! The palette's view of the state.

use crate::i18n::Locale;
use crate::logic::palette::{Known, Offer, offers, offers_outside};
use crate::state::Portal;
use leptos::prelude::With;
use ponte_protocol::ExternalPerson;

impl Portal {
    /// What the palette offers for what was typed, tracked; nothing until the edge knows the user's state.
    pub fn palette(self, locale: Locale, typed: &str) -> Vec<Offer> {
        self.store().with(|store| {
            let Some(user) = &store.user else {
                return Vec::new();
            };
            let (contacts, colleagues) = (store.directory.contacts(), store.directory.colleagues());
            let known = Known {
                user,
                records: store.log.records(),
                contacts: &contacts,
                colleagues: colleagues.as_ref().map(|all| all.as_slice()).unwrap_or_default(),
                rings_here: user
                    .calls
                    .iter()
                    .map(|call| call.id)
                    .find(|call| self.telephone().rings(*call)),
            };
            offers(locale, &known, typed)
        })
    }

    /// What the palette offers of people of the directory elsewhere, beside what it offers already; tracked.
    pub fn palette_outside(self, locale: Locale, people: &[ExternalPerson], offered: &[Offer]) -> Vec<Offer> {
        let calls = self.call_views();
        calls.with(|calls| offers_outside(locale, calls, people, offered))
    }
}
