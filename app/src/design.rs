//! The design system: what pages are made of, beside the tokens of `styles/tokens.css` (docs/adr/0035).
//!
//! Each part is one component, shown in all its states in the gallery, `/admin/#gallery`. A page that needs what is not here
//! adds it here and there, or changes a part for all pages.

mod button;
mod card;
mod dialog;
mod empty;
mod field;
mod meter;
mod notice;
mod paged;
mod row;
mod tag;
mod unfold;

pub use crate::components::icon::Icon;
pub use crate::components::switch::Switch;
pub use button::{Button, Look};
pub use card::Card;
pub use dialog::Dialog;
pub use empty::Empty;
pub use field::Field;
pub use meter::Meter;
pub use notice::{Notice, Tone};
pub use paged::{Paged, Pages, first_row};
pub use row::Row;
pub use tag::Tag;
pub use unfold::Unfold;
