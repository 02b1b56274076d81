//! The sockets under the SIP layer, with a real telephone program on UDP, TCP and TLS, and with peers that misbehave.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use ponte_gateway::sip::{Inbound, Listen, SipSockets, TlsFiles};
use ponte_sip::digest::{Algorithm, ha1};
use ponte_sip::{
    Account, AccountsConfig, Event, Flow, OutgoingCall, Output, Party, Timestamp, Transport, UaConfig,
    UserAgent,
};
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const PATIENCE: Duration = Duration::from_secs(30);
const REALM: &str = "ponte.example";
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A certificate for 127.0.0.1 that vouches for itself.
struct Identity {
    folder: tempfile::TempDir,
    certificate: rcgen::Certificate,
}

impl Identity {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".into(), "localhost".into()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        std::fs::write(folder.path().join("sip.crt"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("sip.key"), key.serialize_pem()).unwrap();
        Self { folder, certificate }
    }

    fn files(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.folder.path().join("sip.crt"),
            key: self.folder.path().join("sip.key"),
        }
    }

    async fn connect(&self, to: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
        let stream = TcpStream::connect(to).await?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

/// Sockets and a user agent that serves the account `desk-201`: the least that makes a registrar.
struct Host {
    agent: UserAgent,
    sockets: SipSockets,
    inbound: mpsc::Receiver<Inbound>,
    start: Instant,
    failed: Vec<Flow>,
}

impl Host {
    async fn open(identity: &Identity) -> Self {
        let listens = [Transport::Udp, Transport::Tcp, Transport::Tls].map(|transport| Listen {
            transport,
            bind: LOOPBACK,
            advertised: LOOPBACK,
        });
        let (sockets, inbound) = SipSockets::open(&listens, Some(&identity.files())).await.unwrap();
        let mut agent = UserAgent::new(UaConfig::default(), 7);
        agent.serve_accounts(&AccountsConfig::new(REALM, [7; 32]));
        let account = Account {
            name: "desk-201".into(),
            ha1_md5: Some(ha1(Algorithm::Md5, "desk-201", REALM, "secret")),
            // baresip 1.0 knows MD5 only, and gives up where SHA-256 is offered as well.
            ha1_sha256: None,
        };
        agent.set_account(Timestamp::default(), account).unwrap();
        Self {
            agent,
            sockets,
            inbound,
            start: Instant::now(),
            failed: Vec::new(),
        }
    }

    fn local(&self, transport: Transport) -> SocketAddr {
        self.sockets.local(transport).unwrap()
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.start.elapsed())
    }

    /// Works until an event is the wanted one.
    async fn until(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(event) = self.turn(&wanted).await {
                return event;
            }
            assert!(Instant::now() < deadline, "not in time: {what}");
        }
    }

    /// Sends what is to be sent up to a wanted event; without one, takes in what comes next, or lets some time pass.
    async fn turn(&mut self, wanted: impl Fn(&Event) -> bool) -> Option<Event> {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Send { flow, bytes } => self.sockets.send(flow, bytes),
                Output::Event(event) if wanted(&event) => return Some(event),
                Output::Event(_) => {}
            }
        }
        let inbound = tokio::time::timeout(Duration::from_millis(50), self.inbound.recv()).await;
        let now = self.now();
        match inbound {
            Ok(Some(Inbound::Message { flow, bytes })) => self.agent.handle_message(now, flow, &bytes),
            Ok(Some(Inbound::Failed(flow))) => {
                self.failed.push(flow);
                self.agent.flow_failed(now, &flow);
            }
            Ok(None) => panic!("the sockets are gone"),
            Err(_) => self.agent.handle_timeout(now),
        }
        None
    }

    async fn next_inbound(&mut self) -> Inbound {
        tokio::time::timeout(PATIENCE, self.inbound.recv())
            .await
            .expect("in time")
            .unwrap()
    }
}

/// baresip takes this port for UDP and TCP, and the next one for TLS.
fn free_address() -> SocketAddr {
    loop {
        let address = std::net::UdpSocket::bind(LOOPBACK).unwrap().local_addr().unwrap();
        let next = SocketAddr::new(address.ip(), address.port().saturating_add(1));
        if std::net::TcpListener::bind(address).is_ok() && std::net::TcpListener::bind(next).is_ok() {
            return address;
        }
    }
}

/// baresip with the account `desk-201`, which answers every call.
struct Baresip {
    process: Child,
    folder: tempfile::TempDir,
}

impl Baresip {
    fn start(registrar: SocketAddr, transport: &str, authority: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let config = format!(
            "sip_transports udp,tcp,tls\nsip_listen {}\nsip_cafile {}\nsip_verify_server yes\n\
             net_interface 127.0.0.1\naudio_source aubridge,a\naudio_player aubridge,a\n\
             module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aubridge.so\n\
             module_app account.so\nmodule_app menu.so\n",
            free_address(),
            authority.display()
        );
        let account = format!(
            "<sip:desk-201@{registrar};transport={transport}>;auth_user=desk-201;auth_pass=secret;regint=600;\
             answermode=auto\n"
        );
        for (name, text) in [
            ("config", config.as_str()),
            ("accounts", account.as_str()),
            ("contacts", ""),
        ] {
            std::fs::write(path.join(name), text).unwrap();
        }
        let log = File::create(path.join("log")).unwrap();
        let process = Command::new("baresip")
            .arg("-f")
            .arg(path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("baresip (Debian package baresip) is installed");
        Self { process, folder }
    }

    fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("baresip said:\n{}", self.log());
        }
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Registers, is called over the flow of its registration, and leaves.
async fn a_telephone_lives(transport: Transport, name: &str) {
    let identity = Identity::new();
    let mut host = Host::open(&identity).await;
    let mut baresip = Baresip::start(host.local(transport), name, &identity.files().certificate);
    host.until("registered", |event| {
        matches!(event, Event::Registration { registered: true, .. })
    })
    .await;
    let binding = host.agent.bindings("desk-201").remove(0);
    assert_eq!(binding.flow.transport, transport);
    let sdp =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 8\r\n";
    let call = OutgoingCall {
        flow: binding.flow,
        request_uri: binding.contact.clone(),
        from: Party::new("sip:202@ponte.example"),
        to: Party::new("sip:desk-201@ponte.example"),
        route: Vec::new(),
        contact_user: None,
        max_forwards: OutgoingCall::MAX_FORWARDS,
        headers: Vec::new(),
        sdp: Bytes::from_static(sdp.as_bytes()),
        credentials: None,
    };
    let now = host.now();
    let dialog = host.agent.invite(now, call).unwrap();
    host.until("answered", |event| matches!(event, Event::Answered { .. }))
        .await;
    let now = host.now();
    host.agent.hang_up(now, dialog, None).unwrap();
    host.until("ended", |event| matches!(event, Event::Ended { .. }))
        .await;
    if transport.is_stream() {
        baresip.process.kill().unwrap();
        host.until("the end of the connection is the end of the binding", |event| {
            matches!(
                event,
                Event::Registration {
                    registered: false,
                    ..
                }
            )
        })
        .await;
        assert_eq!(host.failed, [binding.flow]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_registers_over_udp_and_is_called() {
    a_telephone_lives(Transport::Udp, "udp").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_registers_over_tcp_and_is_called() {
    a_telephone_lives(Transport::Tcp, "tcp").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_telephone_registers_over_tls_and_is_called() {
    a_telephone_lives(Transport::Tls, "tls").await;
}

#[tokio::test]
async fn tls_carries_messages_both_ways_and_answers_keep_alives() {
    let identity = Identity::new();
    let mut host = Host::open(&identity).await;
    let mut telephone = identity.connect(host.local(Transport::Tls)).await.unwrap();
    telephone.write_all(b"\r\n\r\n").await.unwrap();
    let mut pong = [0; 2];
    telephone.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"\r\n");
    let request = b"OPTIONS sip:h SIP/2.0\r\nContent-Length: 0\r\n\r\n";
    telephone.write_all(&request[..20]).await.unwrap();
    telephone.write_all(&request[20..]).await.unwrap();
    let Inbound::Message { flow, bytes } = host.next_inbound().await else {
        panic!("no message")
    };
    assert_eq!(&bytes[..], request);
    assert_eq!(
        (flow.transport, flow.remote),
        (Transport::Tls, telephone.get_ref().0.local_addr().unwrap())
    );
    host.sockets.send(flow, Bytes::from_static(b"answer"));
    let mut answer = [0; 6];
    telephone.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"answer");
    drop(telephone);
    assert!(matches!(host.next_inbound().await, Inbound::Failed(gone) if gone == flow));
    host.sockets.send(flow, Bytes::from_static(b"too late"));
    assert!(
        matches!(host.next_inbound().await, Inbound::Failed(gone) if gone == flow),
        "no connection is opened towards a telephone"
    );
}

#[tokio::test]
async fn whoever_speaks_no_tls_or_no_sip_is_cut_off() {
    let identity = Identity::new();
    let mut host = Host::open(&identity).await;
    let mut plain = TcpStream::connect(host.local(Transport::Tls)).await.unwrap();
    plain
        .write_all(b"OPTIONS sip:h SIP/2.0\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, plain.read_to_end(&mut rest))
        .await
        .expect("closed")
        .ok();
    assert!(matches!(host.next_inbound().await, Inbound::Failed(_)));
    let mut babbler = identity.connect(host.local(Transport::Tls)).await.unwrap();
    babbler
        .write_all(b"OPTIONS sip:h SIP/2.0\r\nContent-Length: many\r\n\r\n")
        .await
        .unwrap();
    tokio::time::timeout(PATIENCE, babbler.read_to_end(&mut rest))
        .await
        .expect("closed")
        .ok();
    // What cannot be framed may still be answered.
    assert!(matches!(host.next_inbound().await, Inbound::Message { .. }));
    assert!(matches!(host.next_inbound().await, Inbound::Failed(_)));
    let stranger = Identity::new();
    assert!(
        stranger.connect(host.local(Transport::Tls)).await.is_err(),
        "a telephone that trusts another authority does not speak to us"
    );
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let mut host = Host::open(&Identity::new()).await;
    let mut peer = TcpStream::connect(host.local(Transport::Tcp)).await.unwrap();
    let head = |id: &str, length: usize| {
        format!(
            "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{id}\r\nMax-Forwards: 70\r\n\
             From: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\nCall-ID: {id}\r\nCSeq: 1 OPTIONS\r\n\
             Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let large = [head("large", 70_000).into_bytes(), vec![b'x'; 70_000]].concat();
    peer.write_all(&large).await.unwrap();
    peer.write_all(head("small", 0).as_bytes()).await.unwrap();
    for _ in 0..2 {
        let Inbound::Message { flow, bytes } = host.next_inbound().await else {
            panic!("cut off")
        };
        let now = host.now();
        host.agent.handle_message(now, flow, &bytes);
        while let Some(output) = host.agent.poll_output() {
            if let Output::Send { flow, bytes } = output {
                host.sockets.send(flow, bytes);
            }
        }
    }
    let mut told = String::new();
    let both = async {
        while told.matches("SIP/2.0 ").count() < 2 {
            let mut part = [0; 4096];
            let length = peer.read(&mut part).await.unwrap();
            assert!(length > 0, "closed after {told}");
            told.push_str(&String::from_utf8_lossy(&part[..length]));
        }
    };
    tokio::time::timeout(PATIENCE, both)
        .await
        .expect("both are answered");
    assert!(told.starts_with("SIP/2.0 513"), "{told}");
    assert!(told.contains("SIP/2.0 200"), "{told}");
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_off() {
    let mut host = Host::open(&Identity::new()).await;
    let mut deaf = TcpStream::connect(host.local(Transport::Tcp)).await.unwrap();
    deaf.write_all(b"OPTIONS sip:h SIP/2.0\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let Inbound::Message { flow, .. } = host.next_inbound().await else {
        panic!("no message")
    };
    let large = Bytes::from(vec![b'x'; 60_000]);
    let mut sent = 0;
    while host.inbound.is_empty() {
        host.sockets.send(flow, large.clone());
        sent += 1;
        assert!(sent < 100_000, "what waits for it grows without end");
        tokio::task::yield_now().await;
    }
    assert!(matches!(host.next_inbound().await, Inbound::Failed(gone) if gone == flow));
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, deaf.read_to_end(&mut rest))
        .await
        .expect("closed")
        .ok();
    assert!(rest.len() < sent * large.len());
}

#[test]
fn certificate_and_key_must_be_there_and_fit() {
    let (one, other) = (Identity::new(), Identity::new());
    let told = |files: TlsFiles| files.load().unwrap_err().to_string();
    let files = one.files();
    assert!(files.load().is_ok());
    assert!(
        told(TlsFiles {
            key: other.files().key,
            ..files.clone()
        })
        .contains("does not belong")
    );
    assert!(
        told(TlsFiles {
            certificate: files.key.clone(),
            ..files.clone()
        })
        .contains("holds no certificate")
    );
    let missing = one.folder.path().join("missing");
    assert!(
        told(TlsFiles {
            certificate: missing.clone(),
            ..files.clone()
        })
        .contains("missing cannot be read")
    );
    assert!(
        told(TlsFiles {
            key: missing,
            ..files
        })
        .contains("missing cannot be read")
    );
}
