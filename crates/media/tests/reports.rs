//! RTCP, ports, statistics.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use ponte_media::{Codec, MediaConfig, MediaError, MediaEvent, MediaPlane, PortRange};
use rtcp_types::{Compound, Packet, RtcpPacketWriterExt, SenderReport};
use support::{Call, Phone, call, config, plane, talk, wait_for};

/// What the reports that came to a phone's RTCP socket say.
#[derive(Debug, Default)]
struct Reports {
    /// SSRC, packet count, octet count of each sender report.
    sent: Vec<(u32, u32, u32)>,
    /// SSRC, lost, highest sequence, last SR, delay of each report block.
    blocks: Vec<(u32, u32, u32, u32, u32)>,
    names: usize,
    byes: Vec<u32>,
}

fn reports(phone: &Phone) -> Reports {
    let mut found = Reports::default();
    let mut buffer = [0; 1500];
    while let Ok((length, _)) = phone.rtcp.recv_from(&mut buffer) {
        for packet in Compound::parse(&buffer[..length]).unwrap() {
            let block = |b: rtcp_types::ReportBlock<'_>| {
                (
                    b.ssrc(),
                    b.cumulative_lost(),
                    b.extended_sequence_number(),
                    b.last_sender_report_timestamp(),
                    b.delay_since_last_sender_report_timestamp(),
                )
            };
            match packet.unwrap() {
                Packet::Sr(sr) => {
                    found.sent.push((sr.ssrc(), sr.packet_count(), sr.octet_count()));
                    found.blocks.extend(sr.report_blocks().map(block));
                }
                Packet::Rr(rr) => found.blocks.extend(rr.report_blocks().map(block)),
                Packet::Sdes(sdes) => found.names += sdes.chunks().count(),
                Packet::Bye(bye) => found.byes.extend(bye.ssrcs()),
                other => panic!("{other:?}"),
            }
        }
    }
    found
}

#[test]
fn reports_count_what_was_sent_and_what_was_lost() {
    let plane = plane();
    let Call {
        mut a, mut b, a_id, ..
    } = call(&plane, Codec::Pcma, Codec::Pcma);
    a.sequence = 65_500;
    (a.voice, b.voice) = (vec![700.0], vec![1100.0]);
    talk(&mut [&mut a, &mut b], Duration::from_millis(400));
    // Five that never come, across nothing else.
    a.sequence = a.sequence.wrapping_add(5);
    let report = SenderReport::builder(a.ssrc).ntp_timestamp(0x1234_5678_9ABC_DEF0);
    let mut buffer = [0; 64];
    let length = report.write_into(&mut buffer).unwrap();
    let mut rtcp = a.to;
    rtcp.set_port(a.to.port() + 1);
    a.rtcp.send_to(&buffer[..length], rtcp).unwrap();
    talk(&mut [&mut a, &mut b], Duration::from_millis(800));

    let said = reports(&a);
    assert!((3..=16).contains(&said.sent.len()), "{said:?}");
    let (ssrc, packets, octets) = *said.sent.last().unwrap();
    assert_eq!(ssrc, a.heard[0].ssrc);
    assert_eq!(octets, packets * 160);
    assert!(
        packets > 30 && packets as usize <= a.heard.len(),
        "{packets} of {}",
        a.heard.len()
    );
    let (about, lost, highest, last_report, delay) = *said.blocks.last().unwrap();
    assert_eq!((about, lost), (a.ssrc, 5));
    assert!(
        highest > 65_536 && highest <= 65_536 + u32::from(a.sequence),
        "{highest}"
    );
    assert_eq!(last_report, 0x5678_9ABC);
    assert!((1000..65_536).contains(&delay), "{delay}");
    assert!(said.names >= said.sent.len());
    assert!(said.byes.is_empty());

    plane.close(a_id);
    let stats = wait_for(&plane, |event| match event {
        MediaEvent::Closed { id, stats } if *id == a_id => Some(*stats),
        _ => None,
    });
    assert_eq!((stats.packets_in, stats.lost, stats.ssrc_changes), (60, 5, 0));
    assert_eq!(stats.bytes_in, 60 * 172);
    assert!(stats.jitter_ms < 15.0, "{}", stats.jitter_ms);
    assert_eq!(reports(&a).byes, [ssrc]);
    assert_eq!(plane.stats().active_endpoints, 1);
}

#[test]
fn reports_come_on_the_rtp_port_where_that_was_agreed() {
    let plane = plane();
    let (id, to) = plane.open(1).unwrap();
    let phone = Phone::new(Codec::Pcma, to);
    let mut remote = phone.remote();
    remote.rtcp = remote.rtp;
    plane.set_remote(id, remote);
    std::thread::sleep(Duration::from_millis(500));
    let mut buffer = [0; 256];
    let (length, from) = phone.rtp.recv_from(&mut buffer).unwrap();
    assert_eq!(from, to);
    assert!(matches!(
        Compound::parse(&buffer[..length]).unwrap().next(),
        Some(Ok(Packet::Rr(_)))
    ));
    assert!(phone.rtcp.recv_from(&mut buffer).is_err());
}

#[test]
fn ports_run_out_with_a_typed_error_and_come_back() {
    let base = config();
    let first = base.ports.first;
    let ports = PortRange {
        first,
        last: first + 5,
    };
    let hold = Duration::from_mins(1);
    let plane = MediaPlane::start(
        MediaConfig {
            ports,
            port_hold: hold,
            ..base
        },
        || {},
    )
    .unwrap();
    let open: Vec<_> = (0..3).map(|group| plane.open(group).unwrap()).collect();
    assert!(open.iter().all(|(_, address)| address.port() % 2 == 0));
    assert!(matches!(
        plane.open(9),
        Err(MediaError::PortsExhausted { pairs: 3 })
    ));
    plane.close(open[1].0);
    wait_for(&plane, |event| {
        matches!(event, MediaEvent::Closed { .. }).then_some(())
    });
    let again = plane.open(9).unwrap().1;
    assert_eq!(again, open[1].1, "a call goes before the rest of a port");
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    let config = MediaConfig {
        port_hold: Duration::ZERO,
        ..config()
    };
    let plane = MediaPlane::start(config, || {}).unwrap();
    for call in 0..1000 {
        let (a, _) = plane.open(call).unwrap();
        let (b, _) = plane.open(call).unwrap();
        plane.bridge(a, b).unwrap();
        plane.close(a);
        plane.close(b);
        for _ in 0..2 {
            wait_for(&plane, |event| {
                matches!(event, MediaEvent::Closed { .. }).then_some(())
            });
        }
    }
    assert_eq!(plane.stats().active_endpoints, 0);
    assert_eq!(plane.stats().commands_dropped, 0);
}

#[test]
fn commands_to_what_is_closed_do_nothing() {
    let plane = plane();
    let Call { a, a_id, b_id, .. } = call(&plane, Codec::Pcma, Codec::Pcma);
    plane.close(a_id);
    plane.close(a_id);
    plane.set_remote(a_id, a.remote());
    plane.send_dtmf(a_id, "1");
    plane.unbridge(a_id);
    plane.stop(a_id);
    plane.bridge(a_id, b_id).unwrap();
    plane.close(b_id);
    let mut closed = 0;
    while closed < 2 {
        wait_for(&plane, |event| {
            matches!(event, MediaEvent::Closed { .. }).then_some(())
        });
        closed += 1;
    }
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(plane.next_event(), None);
}

#[test]
fn events_that_nobody_takes_are_dropped_and_counted() {
    let plane = MediaPlane::start(
        MediaConfig {
            queue_capacity: 16,
            ..config()
        },
        || {},
    )
    .unwrap();
    let (id, to) = plane.open(1).unwrap();
    let mut phone = Phone::new(Codec::Pcma, to);
    plane.set_remote(id, phone.remote());
    std::thread::sleep(Duration::from_millis(20));
    for _ in 0..40 {
        phone.send(101, true, &[1, 0x8A, 3, 0x20]);
        phone.timestamp = phone.timestamp.wrapping_add(8000);
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(plane.stats().events_dropped, 41 - 16);
    assert_eq!(support::events(&plane).len(), 16);
}
