//! Replays the corpus of the fuzz targets with the functions that cargo-fuzz runs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/src/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/src/frames.rs"]
mod frames;

#[test]
fn the_corpus_of_frames_holds() {
    corpus::replay("frames", frames::run);
}
