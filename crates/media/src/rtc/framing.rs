//! Datagrams on a TCP connection, each after its length in two bytes (RFC 4571 section 2).

use std::io::{self, ErrorKind, IoSlice, Read, Write};

/// The longest datagram that is taken or sent, in bytes: more than browsers send on any network.
pub(super) const LONGEST: usize = 1_500;
const LENGTH: usize = 2;
/// Room for what one read brings: some dozens of packets of speech.
const ROOM: usize = 4 * 1024;
/// What may wait for a slow reader, in bytes: a flight of the DTLS handshake, or half a second of speech.
const WAITING: usize = 4 * 1024;

/// A length was announced above [`LONGEST`]: whoever sends it speaks another protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// What came and is no whole datagram yet. The default has no room and is what stands in its place while it is read.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    buffer: Box<[u8]>,
    filled: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; ROOM].into_boxed_slice(),
            filled: 0,
        }
    }

    /// Reads once; how many bytes came, 0 for the end of the stream.
    pub(super) fn fill(&mut self, stream: &mut impl Read) -> io::Result<usize> {
        let length = stream.read(&mut self.buffer[self.filled..])?;
        self.filled += length;
        Ok(length)
    }

    /// Gives every whole datagram to `take`, until it wants no more. The null packet of length 0 is one.
    ///
    /// # Errors
    ///
    /// [`TooLong`] as soon as such a length is read; what follows it cannot be told apart.
    pub(super) fn datagrams(&mut self, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), TooLong> {
        let mut at = 0;
        let mut wanted = true;
        while wanted && let Some((length, rest)) = self.buffer[at..self.filled].split_first_chunk::<LENGTH>()
        {
            let length = usize::from(u16::from_be_bytes(*length));
            if length > LONGEST {
                return Err(TooLong);
            }
            let Some(datagram) = rest.get(..length) else { break };
            wanted = take(datagram);
            at += LENGTH + length;
        }
        self.buffer.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(())
    }
}

/// What could not be sent yet: whole datagrams, the first perhaps without its beginning.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Vec<u8>,
}

impl Outbox {
    /// Sends a datagram, or keeps what the stream does not take; `false` where there is no room for it and none of it went.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection; a stream that takes nothing for now is no error.
    pub(super) fn send(&mut self, datagram: &[u8], stream: &mut impl Write) -> io::Result<bool> {
        self.flush(stream)?;
        if datagram.len() > LONGEST {
            return Ok(false);
        }
        let length = (datagram.len() as u16).to_be_bytes();
        let sent = if self.is_empty() {
            taken(stream.write_vectored(&[IoSlice::new(&length), IoSlice::new(datagram)]))?
        } else {
            0
        };
        let left = LENGTH + datagram.len() - sent;
        if left > WAITING - self.waiting.len() {
            return Ok(false);
        }
        // Allocates only the first time that a reader of this connection is slow.
        self.waiting
            .reserve_exact(if left > 0 { WAITING - self.waiting.len() } else { 0 });
        self.waiting.extend(&length[sent.min(LENGTH)..]);
        self.waiting.extend(&datagram[sent.saturating_sub(LENGTH)..]);
        Ok(true)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends of what waits as much as the stream takes.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    pub(super) fn flush(&mut self, stream: &mut impl Write) -> io::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let sent = taken(stream.write(&self.waiting))?;
        self.waiting.drain(..sent);
        Ok(())
    }
}

fn taken(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A stream that takes only so many bytes at a time.
    struct Slow {
        takes: Vec<usize>,
        took: Vec<u8>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.takes.pop() {
                None | Some(0) => Err(ErrorKind::WouldBlock.into()),
                Some(most) => {
                    let length = bytes.len().min(most);
                    self.took.extend(&bytes[..length]);
                    Ok(length)
                }
            }
        }

        fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
            self.write(&whole)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn read(inbox: &mut Inbox, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut datagrams = Vec::new();
        while inbox.fill(&mut bytes).unwrap() > 0 {
            inbox.datagrams(|datagram| {
                datagrams.push(datagram.to_vec());
                true
            })?;
        }
        Ok(datagrams)
    }

    proptest! {
        #[test]
        fn what_is_sent_arrives_whole_and_in_order_however_it_is_cut(
            datagrams in prop::collection::vec((any::<u8>(), 0..=LONGEST), 0..40),
            takes in prop::collection::vec(0..3_000usize, 0..60),
            cut in 1..5_000usize,
        ) {
            let mut outbox = Outbox::default();
            let mut slow = Slow { takes, took: Vec::new() };
            let mut sent = Vec::new();
            for (byte, length) in datagrams {
                let datagram = vec![byte; length];
                if outbox.send(&datagram, &mut slow).unwrap() {
                    sent.push(datagram);
                }
                prop_assert!(outbox.waiting.len() <= WAITING);
            }
            while !outbox.waiting.is_empty() {
                slow.takes.push(1_000);
                outbox.flush(&mut slow).unwrap();
            }
            let mut inbox = Inbox::new();
            let mut came = Vec::new();
            for piece in slow.took.chunks(cut) {
                came.extend(read(&mut inbox, piece).unwrap());
            }
            prop_assert_eq!(came, sent);
            prop_assert_eq!(inbox.filled, 0);
        }

        #[test]
        fn any_bytes_are_datagrams_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..9_000)) {
            let mut inbox = Inbox::new();
            for piece in bytes.chunks(700) {
                if read(&mut inbox, piece).is_err() {
                    break;
                }
                prop_assert!(inbox.filled < LENGTH + LONGEST);
            }
        }
    }

    #[test]
    fn other_protocols_are_refused_by_their_first_bytes() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            &[22, 3, 1, 2, 0, 1],
            &[0xFF, 0xFF],
            b"SSH-2.0-x",
        ] {
            assert_eq!(read(&mut Inbox::new(), bytes), Err(TooLong));
        }
        assert_eq!(
            read(&mut Inbox::new(), &[0, 0, 0, 1, 7, 0]),
            Ok(vec![vec![], vec![7]])
        );
    }

    #[test]
    fn what_finds_no_room_is_left_out_whole() {
        let mut outbox = Outbox::default();
        let mut slow = Slow {
            takes: vec![3],
            took: Vec::new(),
        };
        let kept = (0..100)
            .filter(|n| outbox.send(&[*n; 100], &mut slow).unwrap())
            .count();
        assert_eq!(kept, (WAITING + 3) / 102);
        assert!(!outbox.send(&[0; LONGEST + 1], &mut slow).unwrap());
    }
}
