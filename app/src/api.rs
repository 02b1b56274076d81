//! The edge's HTTP interface. What a guest may ask and what a signed-in user may ask are two types.

mod error;
mod guest;
mod request;
mod signed_in;

pub use error::{ApiError, InvitationFault};
pub use guest::{Guest, Invitation};
pub use request::{put_sound, text};
pub use signed_in::{DialToken, NewDialToken, SignedIn};
