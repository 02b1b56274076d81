//! Replays the corpus of the fuzz targets with the functions that cargo-fuzz runs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/sip_agent.rs"]
mod sip_agent;
#[path = "../../../fuzz/src/sip_message.rs"]
mod sip_message;

#[test]
fn the_corpus_of_sip_message_holds() {
    corpus::replay("sip_message", sip_message::run);
}

#[test]
fn the_corpus_of_sip_agent_holds() {
    corpus::replay("sip_agent", sip_agent::run);
}
