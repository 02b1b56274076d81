//! baresip (Debian: `baresip`) as a telephone of a test: an account with digest, a tone of its own as its voice, and what
//! it heard as sound. It shares no code with the gateway.

use super::PATIENCE;
use ponte_media::analysis;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// What a telephone is made of.
pub struct Settings {
    /// User part of its address: an extension, a device, a number.
    pub user: String,
    /// The other half of its address, and where it sends what it dials.
    pub server: SocketAddr,
    /// Over TCP instead of UDP.
    pub tcp: bool,
    /// Name and password for the digest: no spaces, no `;`.
    pub credentials: Option<(String, String)>,
    /// Seconds of its registration; 0 for a telephone that does not register.
    pub register_s: u32,
    /// Whether it answers by itself.
    pub answers: bool,
    /// Hertz of the tone that it sends.
    pub tone_hz: f64,
    /// `PCMU` or `PCMA`.
    pub codec: &'static str,
}

impl Settings {
    /// A telephone that registers with digest and rings until somebody accepts.
    pub fn desk(user: &str, credentials: (&str, &str), server: SocketAddr, tone_hz: f64) -> Self {
        Self {
            user: user.to_owned(),
            server,
            tcp: false,
            credentials: Some((credentials.0.to_owned(), credentials.1.to_owned())),
            register_s: 600,
            answers: false,
            tone_hz,
            codec: "PCMA",
        }
    }

    /// A telephone that does not register and answers by itself, as the far end of a trunk.
    pub fn far(user: &str, tone_hz: f64) -> Self {
        Self {
            user: user.to_owned(),
            server: SocketAddr::from(([127, 0, 0, 1], 5060)),
            tcp: false,
            credentials: None,
            register_s: 0,
            answers: true,
            tone_hz,
            codec: "PCMU",
        }
    }

    fn account(&self) -> String {
        let transport = if self.tcp { "tcp" } else { "udp" };
        let mode = if self.answers { "auto" } else { "manual" };
        let codec = self.codec.to_ascii_lowercase();
        let mut account = format!(
            "<sip:{}@{};transport={transport}>;regint={};answermode={mode};audio_codecs={codec}/8000/1",
            self.user, self.server, self.register_s
        );
        if let Some((name, password)) = &self.credentials {
            write!(account, ";auth_user={name};auth_pass={password}").unwrap();
        }
        account + "\n"
    }

    fn config(folder: &str, (sip, control): (u16, u16)) -> String {
        let modules = ["g711", "aufile", "aubridge", "sndfile", "ctrl_tcp"]
            .map(|name| format!("module {name}.so\n"))
            .concat();
        format!(
            "sip_listen 127.0.0.1:{sip}\nsip_transports udp,tcp\nnet_interface 127.0.0.1\nrtp_ports 31000-31999\n\
             audio_source aufile,{folder}/tone.wav\naudio_player aubridge,ear{sip}\nsnd_path {folder}\n\
             audio_srate 8000\naudio_channels 1\nausrc_srate 8000\nauplay_srate 8000\n\
             ctrl_tcp_listen 127.0.0.1:{control}\n\
             module_path /usr/lib/baresip/modules\n{modules}module_app account.so\nmodule_app menu.so\n",
        )
    }

    /// What it says: its tone for two minutes.
    fn voice(&self, path: &Path) {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = hound::WavWriter::create(path, spec).unwrap();
        for sample in analysis::sines(&[self.tone_hz], -12.0, 120.0) {
            file.write_sample(sample).unwrap();
        }
        file.finalize().unwrap();
    }
}

/// A running telephone. It ends with the test.
pub struct Baresip {
    process: Child,
    folder: tempfile::TempDir,
    /// Where it takes SIP.
    pub address: SocketAddr,
    commands: tokio::sync::Mutex<OwnedWriteHalf>,
    said: Arc<Mutex<Vec<Value>>>,
}

impl Baresip {
    /// Starts it and waits until it takes commands.
    ///
    /// # Panics
    /// Where baresip is not installed, or does not start: the test must not pass without it.
    pub async fn start(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = (super::free_pair(), super::free_port());
        let path = folder.path();
        for (name, text) in [
            ("config", Settings::config(&path.display().to_string(), ports)),
            ("accounts", settings.account()),
            ("contacts", String::new()),
        ] {
            std::fs::write(path.join(name), text).unwrap();
        }
        settings.voice(&path.join("tone.wav"));
        let log = std::fs::File::create(path.join("log")).unwrap();
        let process = Command::new("baresip")
            // Each SIP message goes to the log.
            .arg("-s")
            .arg("-f")
            .arg(path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("baresip is not installed: apt-get install baresip");
        let (commands, said) = control(SocketAddr::from(([127, 0, 0, 1], ports.1)), path.join("log")).await;
        Self {
            process,
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], ports.0)),
            commands: tokio::sync::Mutex::new(commands),
            said,
        }
    }

    /// What the program printed.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for its registration.
    pub async fn registered(&self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        // The event may pass before anybody listens on the control port.
        while !self.log().contains(" binding") {
            assert!(
                tokio::time::Instant::now() < deadline,
                "baresip is not registered: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Dials a number, an extension or a feature code at its server.
    pub async fn dial(&self, number: &str) {
        self.command("dial", number).await;
    }

    /// Waits until it rings, for the `nth` time from 1; the caller as it is shown.
    pub async fn rings(&self, nth: usize) -> String {
        let event = self.event("CALL_INCOMING", nth).await;
        event["peeruri"].as_str().unwrap_or_default().to_owned()
    }

    /// How often it rang so far.
    pub fn rang(&self) -> usize {
        self.events("CALL_INCOMING").len()
    }

    /// How many of its calls were up so far.
    pub fn answered(&self) -> usize {
        self.events("CALL_ESTABLISHED").len()
    }

    /// Takes the call that rings.
    pub async fn accept(&self) {
        self.command("accept", "").await;
    }

    /// Hangs up, gives up or refuses.
    pub async fn hang_up(&self) {
        self.command("hangup", "").await;
    }

    /// Holds the call (`a=sendonly`).
    pub async fn hold(&self) {
        self.command("hold", "").await;
    }

    /// Takes it back.
    pub async fn resume(&self) {
        self.command("resume", "").await;
    }

    /// Gives the other party of its call to somebody else by REFER.
    pub async fn transfer(&self, uri: &str) {
        self.command("transfer", uri).await;
    }

    /// Waits until it was told for the `nth` time, from 1, that a transfer failed; why.
    pub async fn transfer_failed(&self, nth: usize) -> String {
        let event = self.event("TRANSFER_FAILED", nth).await;
        event["param"].as_str().unwrap_or_default().to_owned()
    }

    /// Presses keys (RFC 4733).
    pub async fn press(&self, digits: &str) {
        for digit in digits.chars() {
            self.command("sndcode", &digit.to_string()).await;
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Waits until its `nth` call is up, from 1.
    pub async fn established(&self, nth: usize) {
        self.event("CALL_ESTABLISHED", nth).await;
    }

    /// Waits until its `nth` call is over, from 1; why, as it was told, e.g. `486 Busy Here`.
    pub async fn closed(&self, nth: usize) -> String {
        let event = self.event("CALL_CLOSED", nth).await;
        event["param"].as_str().unwrap_or_default().to_owned()
    }

    /// What it has heard of the call that is up, 8000 samples a second.
    pub fn hears_now(&self) -> Vec<i16> {
        /// What stands before the samples; the lengths in it are filled in at the end of the call.
        const HEADER: usize = 44;
        let bytes = self
            .recording()
            .map(|file| std::fs::read(file).unwrap())
            .unwrap_or_default();
        let samples = bytes.get(HEADER..).unwrap_or_default().chunks_exact(2);
        samples
            .map(|sample| i16::from_le_bytes([sample[0], sample[1]]))
            .collect()
    }

    /// What it heard in its last call, 8000 samples a second. Complete once the call is over.
    pub fn heard(&self) -> Vec<i16> {
        let recording = self.recording();
        let recording = recording.unwrap_or_else(|| panic!("baresip recorded nothing: {}", self.log()));
        hound::WavReader::open(recording)
            .unwrap()
            .samples::<i16>()
            .map(Result::unwrap)
            .collect()
    }

    fn recording(&self) -> Option<PathBuf> {
        let mut recordings: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        // Their names have the time in them.
        recordings.sort();
        recordings.pop()
    }

    /// Fails unless a tone was heard for 300 ms in the middle of the last call, which must be over.
    pub fn has_heard(&self, hz: f64) {
        let heard = self.heard();
        assert!(heard.len() > 4800, "baresip heard only {} samples", heard.len());
        let middle = &heard[heard.len() / 2..][..2400];
        assert!(
            analysis::contains(middle, hz, 5.0),
            "baresip heard {:?} instead of {hz} Hz",
            analysis::partials(middle, 4)
        );
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let said = self.said.lock().unwrap();
        said.iter()
            .filter(|message| message["event"] == true && message["type"] == kind)
            .cloned()
            .collect()
    }

    async fn event(&self, kind: &str, nth: usize) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.events(kind).into_iter().nth(nth - 1) {
                return event;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "waited in vain for {kind} number {nth} of baresip: {:#?}\n{}",
                self.said.lock().unwrap(),
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends a command as a netstring, and waits for its answer.
    async fn command(&self, command: &str, params: &str) {
        let token = format!("{:x}", rand::random::<u64>());
        let text = json!({ "command": command, "params": params, "token": token }).to_string();
        let netstring = format!("{}:{text},", text.len());
        let mut commands = self.commands.lock().await;
        commands.write_all(netstring.as_bytes()).await.unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let answer = {
                let said = self.said.lock().unwrap();
                said.iter().find(|message| message["token"] == *token).cloned()
            };
            if let Some(answer) = answer {
                assert_eq!(answer["ok"], true, "{command} {params}: {answer}");
                return;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "no answer to {command}: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("baresip's log:\n{}", self.log());
        }
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Connects to the control port, and collects what comes from it.
async fn control(address: SocketAddr, log: PathBuf) -> (OwnedWriteHalf, Arc<Mutex<Vec<Value>>>) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let stream = loop {
        match TcpStream::connect(address).await {
            Ok(stream) => break stream,
            Err(error) if tokio::time::Instant::now() > deadline => {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                panic!("baresip takes no commands: {error}\n{log}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let (reader, writer) = stream.into_split();
    let said = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(collect(reader, Arc::clone(&said)));
    (writer, said)
}

/// Reads netstrings until the program ends.
async fn collect(mut reader: OwnedReadHalf, said: Arc<Mutex<Vec<Value>>>) {
    let mut buffer: Vec<u8> = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        while let Some((message, rest)) = netstring(&buffer) {
            said.lock().unwrap().push(message);
            buffer.drain(..rest);
        }
        match reader.read(&mut chunk).await {
            Ok(length) if length > 0 => buffer.extend(&chunk[..length]),
            _ => return,
        }
    }
}

/// The first whole netstring of `buffer` as JSON, and where the next one begins.
fn netstring(buffer: &[u8]) -> Option<(Value, usize)> {
    let colon = buffer.iter().position(|byte| *byte == b':')?;
    let length: usize = std::str::from_utf8(&buffer[..colon]).unwrap().parse().unwrap();
    let body = buffer.get(colon + 1..colon + 1 + length)?;
    buffer.get(colon + 1 + length)?;
    Some((
        serde_json::from_slice(body).unwrap_or(Value::Null),
        colon + length + 2,
    ))
}
