//! `SIPp` (Debian: `sip-tester`) as the far telephone behind a trunk, which answers and echoes what it hears or plays a
//! tone, and as a carrier that calls.

use super::PATIENCE;
use ponte_media::{Codec, analysis};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the telephone does with its voice.
pub enum Voice {
    /// Sends back each packet as it came, telephone events among them.
    Echo,
    /// Plays a tone of this frequency in hertz.
    Tone(f64),
}

/// A running `SIPp` that takes one call.
pub struct Sipp {
    process: Child,
    folder: tempfile::TempDir,
    /// Where it takes SIP.
    pub address: SocketAddr,
}

impl Sipp {
    /// Starts it, and waits until it can be called.
    ///
    /// # Panics
    /// Where `SIPp` is not installed, or does not start: the test must not pass without it.
    pub async fn answers(codec: Codec, voice: &Voice) -> Self {
        Self::answers_and(codec, voice, "").await
    }

    /// One that wants to be told by re-INVITE that it is held, and then that it is not.
    ///
    /// # Panics
    /// As [`Self::answers`].
    pub async fn is_held(codec: Codec, voice: &Voice) -> Self {
        let told = |offered: &str, answered: &str| {
            TOLD.replace("{offered}", offered).replace("{answered}", answered)
        };
        let then = told("sendonly", "recvonly") + &told("sendrecv", "sendrecv");
        Self::answers_and(codec, voice, &then).await
    }

    async fn answers_and(codec: Codec, voice: &Voice, then: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sip = super::free_port();
        let media = even_port();
        let sound = folder.path().join("tone.raw");
        let (name, payload_type) = match codec {
            Codec::Pcmu => ("PCMU", 0),
            Codec::Pcma => ("PCMA", 8),
        };
        let (port, play) = match voice {
            Voice::Echo => ("[media_port]", String::new()),
            Voice::Tone(hz) => {
                let samples = analysis::sines(&[*hz], -12.0, 30.0);
                std::fs::write(&sound, analysis::encode(codec, &samples)).unwrap();
                let stream = format!("{},-1,{payload_type},{name}/8000", sound.display());
                let play = format!(r#"<nop><action><exec rtp_stream="{stream}"/></action></nop>"#);
                ("[rtpstream_audio_port]", play)
            }
        };
        let scenario = SCENARIO
            .replace("<then/>", then)
            .replace("{port}", port)
            .replace("{type}", &payload_type.to_string())
            .replace("{codec}", name)
            .replace("<play/>", &play);
        let file = folder.path().join("scenario.xml");
        std::fs::write(&file, scenario).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new("sipp")
            .arg("-sf")
            .arg(&file)
            .args(["-m", "1", "-nostdin", "-timeout", "60"])
            .args(["-i", "127.0.0.1", "-p", &sip.to_string()])
            .args(["-mi", "127.0.0.1", "-mp", &media.to_string()])
            .args(matches!(voice, Voice::Echo).then_some("-rtp_echo"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("SIPp is not installed: apt-get install sip-tester");
        let mut sipp = Self {
            process,
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], sip)),
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while UdpSocket::bind(sipp.address).is_ok() {
            let ended = sipp.process.try_wait().unwrap();
            assert!(ended.is_none(), "SIPp ended at its start: {}", sipp.log());
            assert!(tokio::time::Instant::now() < deadline, "SIPp does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        sipp
    }

    /// Waits until a call of its own is answered: its messages are traced.
    pub async fn answered(&self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let said = || {
            let files = std::fs::read_dir(self.folder.path()).unwrap().flatten();
            let traces = files.filter(|file| file.file_name().to_string_lossy().ends_with("_messages.log"));
            let texts = traces.filter_map(|file| std::fs::read_to_string(file.path()).ok());
            texts.collect::<String>()
        };
        while !said().contains("\nSIP/2.0 200 OK") {
            assert!(
                tokio::time::Instant::now() < deadline,
                "SIPp is not answered: {}",
                said()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the call was as its scenario wants, from INVITE to BYE.
    pub async fn content(mut self) {
        content(&mut self.process, || log(self.folder.path())).await;
    }

    fn log(&self) -> String {
        log(self.folder.path())
    }
}

fn log(folder: &std::path::Path) -> String {
    std::fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// Waits until a `SIPp` has ended, content with all that came.
///
/// # Panics
/// Where it saw something else, or waits on.
pub async fn content(process: &mut Child, said: impl Fn() -> String) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            assert!(status.success(), "SIPp saw something else: {}", said());
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "SIPp waits: {}", said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A carrier that calls the site from one address.
pub struct Carrier {
    /// Where its calls come from.
    pub address: SocketAddr,
}

impl Carrier {
    pub fn new() -> Self {
        let port = super::free_port();
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    /// Calls a number of the site with further headers, each line with its end, and wants this final status. Answered, it
    /// waits for the BYE. One call at a time.
    ///
    /// # Panics
    /// Where `SIPp` is not installed.
    pub fn calls(&self, gateway: SocketAddr, from: &str, to: &str, headers: &str, status: u16) -> Sipp {
        let folder = tempfile::tempdir().unwrap();
        let forwards = if headers.contains("Max-Forwards") {
            ""
        } else {
            "Max-Forwards: 70\n"
        };
        let end = if status == 200 { ANSWERED } else { REFUSED };
        let scenario = format!("{CALLER}{end}</scenario>\n")
            .replace("{from}", from)
            .replace("{to}", to)
            .replace("{headers}", &format!("{forwards}{headers}"))
            .replace("{status}", &status.to_string());
        let file = folder.path().join("scenario.xml");
        std::fs::write(&file, scenario).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new("sipp")
            .arg(gateway.to_string())
            .arg("-sf")
            .arg(&file)
            .args(["-m", "1", "-nostdin", "-timeout", "60", "-trace_msg"])
            .args(["-i", "127.0.0.1", "-p", &self.address.port().to_string()])
            .args(["-mi", "127.0.0.1", "-mp", &even_port().to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("SIPp is not installed: apt-get install sip-tester");
        Sipp {
            process,
            folder,
            address: self.address,
        }
    }
}

impl Default for Carrier {
    fn default() -> Self {
        Self::new()
    }
}

/// An even port that is free, with the next three.
fn even_port() -> u16 {
    loop {
        let port = super::free_port() & !1;
        if (port..port.saturating_add(4)).all(|port| UdpSocket::bind(("127.0.0.1", port)).is_ok()) {
            return port;
        }
    }
}

const TOLD: &str = r#"  <recv request="INVITE">
    <action>
      <ereg regexp="a={offered}" search_in="body" check_it="true" assign_to="said"/>
      <log message="told [$said]"/>
    </action>
  </recv>
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 2 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio {port} RTP/AVP {type} 101
a=rtpmap:{type} {codec}/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a={answered}
]]></send>
  <recv request="ACK" />
"#;

const SCENARIO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="far telephone">
  <recv request="INVITE" />
  <send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=[pid]far[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
  <pause milliseconds="200" />
  <send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]far[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio {port} RTP/AVP {type} 101
a=rtpmap:{type} {codec}/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
]]></send>
  <recv request="ACK" />
  <play/>
  <then/>
  <recv request="BYE" />
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"#;

const CALLER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="carrier">
  <send retrans="500"><![CDATA[
INVITE sip:{to}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
{headers}From: <sip:{from}@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:{to}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:{from}@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
  <recv response="100" optional="true" />
  <recv response="180" optional="true" />
  <recv response="183" optional="true" />
  <recv response="{status}" rrs="true" />
"#;

const ANSWERED: &str = r#"  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:{from}@[local_ip]:[local_port]>;tag=[pid]c[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>
  <recv request="BYE" />
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"#;

const REFUSED: &str = r"  <send><![CDATA[
ACK sip:{to}@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
Max-Forwards: 70
From: <sip:{from}@[local_ip]:[local_port]>;tag=[pid]c[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>
";
