//! The parts the pages are made of, one a file.

pub mod accept_banner;
pub mod alerts;
pub mod alerts_offer;
pub mod announcer;
pub mod call_actions;
pub mod call_card;
pub mod call_log;
pub mod calls_now;
pub mod connection_badge;
pub mod countdown;
pub mod destination_chooser;
pub mod dial_pad;
pub mod dtmf_pad;
pub mod ended_card;
pub mod entrance;
pub mod icon;
pub mod leg_bridge;
pub mod log_row;
pub mod navigation;
pub mod reach_card;
pub mod saved_destinations;
pub mod shortcuts;
pub mod switches;
pub mod toast;
pub mod top_bar;
