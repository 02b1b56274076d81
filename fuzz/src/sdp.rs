//! Session descriptions, as an offer and as an answer.

use ponte_media::Direction;
use ponte_media::sdp::LocalSession;

/// Answers the bytes as an offer, and takes them as the answer to an offer of ours.
///
/// # Panics
/// Where an answer of ours cannot be understood by another of us.
pub fn run(data: &[u8]) {
    let ours = |id| LocalSession::new(id, std::net::SocketAddr::from(([192, 0, 2, 1], 20_000)));
    let mut called = ours(1);
    for direction in [Direction::SendRecv, Direction::SendOnly] {
        if let Ok(answer) = called.answer(data, direction) {
            let body = std::str::from_utf8(&answer.body).expect("what we write is text");
            assert!(body.starts_with("v=0\r\n") && body.ends_with("\r\n"));
            assert!(body.contains("m=audio "));
        }
    }
    let mut calling = ours(2);
    calling.offer(Direction::SendRecv);
    if calling.accept_answer(data).is_ok() {
        let again = calling.offer(Direction::SendRecv);
        ours(3)
            .answer(&again, Direction::SendRecv)
            .expect("an offer of ours can be answered");
    }
}
