//! Plays a list of clips in pieces of any length.

use crate::audio::{Piece, Playlist, Slot};
use crate::{Codec, PlayMode};

#[derive(Debug)]
pub(crate) struct Player {
    pieces: Playlist,
    mode: PlayMode,
    /// Which piece, which clip of it, which sample of that.
    piece: usize,
    clip: usize,
    position: usize,
}

impl Player {
    /// Nothing to play is no player.
    pub(crate) fn new(pieces: Playlist, mode: PlayMode) -> Option<Self> {
        let audible = pieces.iter().any(Piece::may_sound);
        audible.then_some(Self {
            pieces,
            mode,
            piece: 0,
            clip: 0,
            position: 0,
        })
    }

    /// Fills `out`; with silence after the end and while a file is being loaded. Tells the token when the end was reached.
    pub(crate) fn read(&mut self, codec: Codec, out: &mut [u8]) -> Option<u64> {
        let mut filled = 0;
        // A loop of which nothing can be heard is silence.
        let mut rounds = 0;
        while filled < out.len() {
            let Some(piece) = self.pieces.get(self.piece) else {
                if matches!(self.mode, PlayMode::Once(_)) || rounds > out.len() {
                    break;
                }
                rounds += 1;
                self.piece = 0;
                continue;
            };
            match piece.slot(self.clip) {
                Slot::Loading => break,
                Slot::End => {
                    self.piece += 1;
                    self.clip = 0;
                }
                Slot::Clip(clip) => {
                    let rest = &clip.bytes(codec)[self.position..];
                    let length = rest.len().min(out.len() - filled);
                    out[filled..filled + length].copy_from_slice(&rest[..length]);
                    filled += length;
                    self.position += length;
                    if self.position == clip.len() {
                        self.clip += 1;
                        self.position = 0;
                    }
                }
            }
        }
        out[filled..].fill(crate::g711::silence(codec));
        // What has nothing left ends with this packet, not with one more of silence.
        while matches!(
            self.pieces.get(self.piece).map(|piece| piece.slot(self.clip)),
            Some(Slot::End)
        ) {
            self.piece += 1;
            self.clip = 0;
        }
        match self.mode {
            PlayMode::Once(token) if self.piece >= self.pieces.len() => Some(token),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use super::*;
    use crate::audio::Clip;
    use crate::g711;

    fn clips(lengths: &[usize]) -> Playlist {
        lengths
            .iter()
            .enumerate()
            .map(|(n, &len)| Piece::Clip(Arc::new(Clip::new(&vec![if n == 0 { 0 } else { 1000 }; len]))))
            .collect()
    }

    #[test]
    fn once_plays_all_then_silence_and_tells() {
        let mut player = Player::new(clips(&[100, 250]), PlayMode::Once(7)).unwrap();
        let mut heard = Vec::new();
        let mut told = Vec::new();
        for _ in 0..3 {
            let mut out = [0; 160];
            told.push(player.read(Codec::Pcma, &mut out));
            heard.extend(out);
        }
        let (first, second) = (g711::encode_pcma(0), g711::encode_pcma(1000));
        assert!(heard[..100].iter().all(|&b| b == first));
        assert!(heard[100..350].iter().all(|&b| b == second));
        assert!(heard[350..].iter().all(|&b| b == g711::PCMA_SILENCE));
        assert_eq!(told, [None, None, Some(7)]);
    }

    #[test]
    fn a_loop_goes_round_and_nothing_is_no_player() {
        let mut player = Player::new(clips(&[3, 4]), PlayMode::Loop).unwrap();
        let mut out = [0; 160];
        assert_eq!(player.read(Codec::Pcmu, &mut out), None);
        assert!(out.chunks_exact(7).all(|period| period == &out[..7]));
        assert!(Player::new(clips(&[]), PlayMode::Loop).is_none());
        assert!(Player::new(clips(&[0]), PlayMode::Loop).is_none());
    }

    #[test]
    fn a_file_is_awaited_in_silence_and_then_played_in_its_place() {
        let file = Arc::new(OnceLock::new());
        let last = Arc::new(Clip::new(&[2000; 160]));
        let pieces = Box::new([Piece::File(file.clone()), Piece::Clip(last)]);
        let mut player = Player::new(pieces, PlayMode::Once(3)).unwrap();
        let mut out = [0; 160];
        for _ in 0..3 {
            assert_eq!(player.read(Codec::Pcma, &mut out), None);
            assert!(out.iter().all(|&b| b == g711::PCMA_SILENCE));
        }
        file.set(clips(&[0, 160])).unwrap();
        assert_eq!(player.read(Codec::Pcma, &mut out), None);
        assert_eq!(out, [g711::encode_pcma(1000); 160]);
        assert_eq!(player.read(Codec::Pcma, &mut out), Some(3));
        assert_eq!(out, [g711::encode_pcma(2000); 160]);
    }

    #[test]
    fn a_loop_of_a_file_that_cannot_be_read_is_silence() {
        let file = Arc::new(OnceLock::new());
        file.set(clips(&[])).unwrap();
        let mut player = Player::new(Box::new([Piece::File(file)]), PlayMode::Loop).unwrap();
        let mut out = [0; 160];
        assert_eq!(player.read(Codec::Pcma, &mut out), None);
        assert!(out.iter().all(|&b| b == g711::PCMA_SILENCE));
    }
}
