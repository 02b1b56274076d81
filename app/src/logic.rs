//! Decisions of the portal that need no browser.

pub mod account;
pub mod call;
pub mod dial;
pub mod directory;
pub mod external;
pub mod list;
pub mod paging;
pub mod palette;
pub mod password;
pub mod presence;
pub mod profiles;
pub mod quality;
pub mod ringing;
pub mod schedule;
pub mod search;
pub mod stations;
pub mod voicemail;
