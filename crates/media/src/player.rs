//! Plays a list of clips in pieces of any length.

use crate::audio::Playlist;
use crate::{Codec, PlayMode};

#[derive(Debug)]
pub(crate) struct Player {
    clips: Playlist,
    mode: PlayMode,
    clip: usize,
    position: usize,
}

impl Player {
    /// Nothing to play is no player.
    pub(crate) fn new(clips: Playlist, mode: PlayMode) -> Option<Self> {
        let audible = clips.iter().any(|clip| clip.len() > 0);
        audible.then_some(Self {
            clips,
            mode,
            clip: 0,
            position: 0,
        })
    }

    /// Fills `out`; after the end with silence. Tells the token when the end was reached.
    pub(crate) fn read(&mut self, codec: Codec, out: &mut [u8]) -> Option<u64> {
        let mut filled = 0;
        while filled < out.len() {
            let Some(clip) = self.clips.get(self.clip) else {
                match self.mode {
                    PlayMode::Loop => {
                        self.clip = 0;
                        continue;
                    }
                    PlayMode::Once(_) => break,
                }
            };
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
        out[filled..].fill(crate::g711::silence(codec));
        match self.mode {
            PlayMode::Once(token) if self.clip >= self.clips.len() => Some(token),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::audio::Clip;
    use crate::g711;

    fn clips(lengths: &[usize]) -> Playlist {
        lengths
            .iter()
            .enumerate()
            .map(|(n, &len)| Arc::new(Clip::new(&vec![if n == 0 { 0 } else { 1000 }; len])))
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
}
