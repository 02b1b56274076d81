//! Replays the corpus of the fuzz targets with the functions that cargo-fuzz runs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/sdp.rs"]
mod sdp;

#[test]
fn the_corpus_of_sdp_holds() {
    corpus::replay("sdp", sdp::run);
}
