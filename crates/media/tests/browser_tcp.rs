//! A browser whose network lets no UDP through: ICE-TCP, and what else connects to that port.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/browser_call.rs"]
mod browser_call;
mod support;

use std::io::{Read, Write};
use std::net::{Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use browser::{Browser, Speaks};
use browser_call::{BROWSER_TONE, Call, call, call_at, call_of, plane_at};
use ponte_media::{Codec, MediaEvent, analysis};

fn tcp_call(speaks: Speaks, codec: Codec) -> Call {
    call_of(Browser::by_tcp(speaks), codec)
}

impl Call {
    fn tcp(&self) -> SocketAddr {
        self.plane.browser_tcp_addresses()[0]
    }

    fn is_lost(&self) -> bool {
        let of = self.browser_id;
        let lost = |event: &MediaEvent| matches!(event, MediaEvent::BrowserLost { id, .. } if *id == of);
        self.events.iter().any(lost)
    }
}

#[test]
fn a_browser_without_udp_is_heard_both_ways() {
    tcp_call(Speaks::Opus, Codec::Pcma).hear_each_other();
    let mut call = tcp_call(Speaks::G711(Codec::Pcmu), Codec::Pcmu);
    call.hear_each_other();
    assert_eq!(call.plane.stats().tcp_connections, 1);

    let (browser, phone) = (call.browser_id, call.phone_id);
    call.plane.close(browser);
    call.plane.close(phone);
    call.until("its connection closed", |call| {
        call.plane.stats().tcp_connections == 0
    });
    assert_eq!(call.plane.stats().tcp_refused, 0);
}

#[test]
fn a_browser_without_udp_comes_by_ipv6() {
    let plane = plane_at(Ipv6Addr::LOCALHOST.into());
    let mut call = call_at(plane, Browser::by_tcp(Speaks::Opus), Codec::Pcma);
    assert!(call.tcp().is_ipv6());
    call.hear_each_other();
}

#[test]
fn udp_is_told_before_tcp() {
    let plane = browser_call::plane();
    let id = plane.open_browser(7).unwrap();
    let offer = Browser::new(Speaks::Opus).offer();
    let answer = plane.answer_browser(id, &offer).unwrap().unwrap();
    let candidates = answer
        .lines()
        .filter_map(|line| line.strip_prefix("a=candidate:"));
    let candidates = candidates.map(|line| line.split(' ').collect::<Vec<_>>());
    let priority = |protocol: &str| {
        let of = candidates.clone().find(|words| words[2] == protocol).unwrap();
        of[3].parse::<u32>().unwrap()
    };
    assert!(priority("udp") > priority("tcp"), "{answer}");
    assert!(answer.contains("typ host tcptype passive"), "{answer}");
}

#[test]
fn a_browser_whose_connection_broke_is_heard_again_by_another() {
    let mut call = tcp_call(Speaks::Opus, Codec::Pcma);
    call.hear_each_other();
    for _ in 0..3 {
        call.browser.reconnect();
        call.browser.heard.clear();
        call.phone.heard.clear();
        call.until("heard again", |call| {
            call.phone.heard.len() > 10 && call.browser.heard.len() > 1_600
        });
        call.hear_each_other();
    }
    call.until("the broken ones closed", |call| {
        call.plane.stats().tcp_connections == 1
    });
    assert!(!call.is_lost());
}

#[test]
fn a_browser_without_udp_comes_by_another_network() {
    let mut call = tcp_call(Speaks::Opus, Codec::Pcma);
    call.hear_each_other();
    call.move_to_another_network();
    call.hear_each_other();
    assert!(!call.is_lost());
}

/// Whether the gateway closes the connection, within a time that is much longer than it needs.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// A binding request (RFC 8489) with this user name and nothing that proves it.
fn check(user_name: &str) -> Vec<u8> {
    let mut attributes = Vec::new();
    let mut attribute = |kind: u16, value: &[u8]| {
        attributes.extend(kind.to_be_bytes());
        attributes.extend((value.len() as u16).to_be_bytes());
        attributes.extend(value);
        attributes.resize(attributes.len().next_multiple_of(4), 0);
    };
    attribute(0x0006, user_name.as_bytes());
    attribute(0x0024, &[0x6E, 0, 1, 0xFF]);
    attribute(0x8029, &[7; 8]);
    attribute(0x0008, &[9; 20]);
    let mut message = vec![0, 1];
    message.extend((attributes.len() as u16).to_be_bytes());
    message.extend(0x2112_A442u32.to_be_bytes());
    message.extend([5; 12]);
    message.extend(attributes);
    message
}

fn framed(datagram: &[u8]) -> Vec<u8> {
    [&(datagram.len() as u16).to_be_bytes(), datagram].concat()
}

#[test]
fn what_is_no_check_of_a_session_ends_its_connection() {
    let mut call = call(Speaks::Opus, Codec::Pcma);
    let to = call.tcp();
    let client_hello = [&[22, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3][..], &[0; 500]].concat();
    let user_name = format!("{}:abcd", call.browser.gateways_user_name);
    for said in [
        &b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"[..],
        &client_hello,
        &vec![0xFF; 65_537],
        &[0, 0],
        &framed(&[22; 200]),
        &framed(&[0x80; 100]),
        &framed(&[0; 20]),
        &framed(&check("nobody:abcd")),
        &framed(&check(&user_name)),
        &framed(&[0; 1_501]),
    ] {
        let mut stranger = TcpStream::connect(to).unwrap();
        // The answer may be there before all is written.
        drop(stranger.write_all(said));
        assert!(is_closed(&mut stranger), "{:?}", &said[..said.len().min(30)]);
    }
    call.until("every one refused", |call| call.plane.stats().tcp_refused == 10);
    assert_eq!(call.plane.stats().tcp_connections, 0);
    call.hear_each_other();
}

#[test]
fn who_says_nothing_or_too_slowly_is_closed_in_seconds() {
    let mut call = tcp_call(Speaks::Opus, Codec::Pcma);
    let begun = Instant::now();
    let mut silent = TcpStream::connect(call.tcp()).unwrap();
    let mut slow = TcpStream::connect(call.tcp()).unwrap();
    let message = framed(&check("nobody:abcd"));
    let mut bytes = message.iter();
    // A byte a second would be two minutes.
    while call.plane.stats().tcp_refused < 2 {
        assert!(begun.elapsed() < Duration::from_secs(30));
        call.talk(Duration::from_secs(1));
        drop(slow.write_all(&[*bytes.next().unwrap()]));
    }
    assert!(begun.elapsed() > Duration::from_secs(4));
    assert!(is_closed(&mut silent) && is_closed(&mut slow));
    call.hear_each_other();
    assert_eq!(call.plane.stats().tcp_connections, 1);
}

#[test]
fn ten_thousand_connections_do_not_disturb_the_call_nor_keep_a_browser_out() {
    let mut call = tcp_call(Speaks::G711(Codec::Pcmu), Codec::Pcmu);
    call.hear_each_other();
    let to = call.tcp();
    let stop = Arc::new(AtomicBool::new(false));
    let crowd = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let mut open = Vec::new();
            let mut opened = 0;
            while opened < 10_000 && !stop.load(Ordering::Relaxed) {
                let Ok(mut stream) = TcpStream::connect(to) else {
                    continue;
                };
                opened += 1;
                match opened % 4 {
                    0 => drop(stream.write_all(&[0, 100, 0, 1, 0])),
                    1 => drop(stream.write_all(&rand::random::<[u8; 32]>())),
                    2 => drop(stream.shutdown(Shutdown::Write)),
                    _ => {}
                }
                open.push(stream);
                if open.len() > 200 {
                    open.remove(0);
                }
            }
            opened
        }
    });
    call.phone.take_audio();
    let mut heard = Vec::new();
    let mut most = 0;
    while !crowd.is_finished() {
        call.step();
        heard.extend(call.phone.take_audio());
        most = most.max(call.plane.stats().tcp_connections);
    }
    assert_eq!(crowd.join().unwrap(), 10_000);
    assert!(most < 50, "{most} connections were open at once");
    let windows = heard.chunks_exact(160);
    let all = windows.len();
    let whole = windows.filter(|window| analysis::level_of(window, BROWSER_TONE) > -19.0);
    assert!(whole.count() * 100 >= all * 98, "the tone has holes");
    call.browser.reconnect();
    call.browser.heard.clear();
    call.until("heard by another connection", |call| {
        call.browser.heard.len() > 1_600
    });
    call.until("the crowd gone", |call| call.plane.stats().tcp_connections == 1);
    call.hear_each_other();
    stop.store(true, Ordering::Relaxed);
}
