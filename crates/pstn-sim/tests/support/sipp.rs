//! `SIPp` (Debian: `sip-tester`) as a process of a test.

use std::net::UdpSocket;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::process::{Child, Command};

/// The first of four ports that are free, below those that the system gives to others meanwhile.
pub fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 1000).unwrap() * 8;
    loop {
        let port = 21_000 + (start + NEXT.fetch_add(4, Ordering::Relaxed)) % 10_000;
        let free = |port| UdpSocket::bind(("127.0.0.1", port)).is_ok();
        if (port..port + 4).all(free) {
            return port;
        }
    }
}

/// Starts `sipp` with its own signalling and media ports.
pub fn sipp(port: u16, arguments: &[&str]) -> Child {
    let media = free_ports();
    Command::new("sipp")
        .args(arguments)
        .args(["-i", "127.0.0.1", "-p", &port.to_string()])
        .args(["-mi", "127.0.0.1", "-mp", &media.to_string()])
        .args(["-nostdin", "-timeout", "30"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("SIPp is not installed: apt-get install sip-tester")
}

/// Starts `sipp` as the called side with a scenario of `tests/scenarios`, in which `SOUND` becomes a file with these
/// samples. The folder lives as long as the test needs it.
pub fn called(port: u16, scenario: &str, sound: &[i16]) -> (Child, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let alaw: Vec<u8> = sound.iter().map(|sample| encode_alaw(*sample)).collect();
    let voice = folder.path().join("sound.alaw");
    std::fs::write(&voice, alaw).unwrap();
    let source = format!("{}/tests/scenarios/{scenario}.xml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(source).unwrap();
    let file = folder.path().join("scenario.xml");
    std::fs::write(&file, text.replace("SOUND", voice.to_str().unwrap())).unwrap();
    let child = sipp(port, &["-sf", file.to_str().unwrap(), "-m", "1"]);
    (child, folder)
}

/// A sine at −12 dBFS.
pub fn sine(hz: f64, ms: usize) -> Vec<i16> {
    (0..ms * 8)
        .map(|n| (8000.0 * (std::f64::consts::TAU * hz * n as f64 / 8000.0).sin()) as i16)
        .collect()
}

/// A-law by the formula of G.711.
fn encode_alaw(sample: i16) -> u8 {
    let sign: u8 = if sample < 0 { 0 } else { 0x80 };
    let magnitude = (i32::from(sample).abs() >> 4).min(2047);
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        let exponent = magnitude.ilog2().cast_signed() - 4;
        (exponent << 4) | ((magnitude >> exponent) & 0x0f)
    };
    (sign | code as u8) ^ 0x55
}
