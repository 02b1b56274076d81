//! Voicemail by e-mail, at a real SMTP server of the test's own: sound and caller arrive, what cannot be sent waits over a
//! restart, no call waits for it, and no log has the address (rule T9).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_gateway::store::{Change, SiteRow, Store, StoreOptions, StoreUse};
use ponte_media::analysis;
use ponte_protocol::{Availability, CommandBody};
use ponte_pstn_sim::{Answer, LeaveMessage, PlaceCall};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{ANNA, COMPANY, FAR, Options, World, free_port};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const ADDRESS: &str = "anna.rossi@example.org";
const CALLER_HZ: f64 = 1130.0;

/// How the server treats its clients.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    /// Takes every letter.
    Takes,
    /// Takes the connection, and says nothing for ever.
    Hangs,
    /// Wants the letter later (RFC 5321 section 4.2.1: 4yz).
    Later,
    /// Does not want it at all.
    Never,
}

/// A letter as it came: recipients, then headers and body.
type Letters = Arc<Mutex<Vec<(Vec<String>, String)>>>;

struct Sink {
    letters: Letters,
    mood: Arc<Mutex<Mood>>,
    connections: Arc<Mutex<u32>>,
}

impl Sink {
    async fn start(port: u16, mood: Mood) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let sink = Self {
            letters: Letters::default(),
            mood: Arc::new(Mutex::new(mood)),
            connections: Arc::default(),
        };
        let (letters, mood, connections) = (
            Arc::clone(&sink.letters),
            Arc::clone(&sink.mood),
            Arc::clone(&sink.connections),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *connections.lock().unwrap() += 1;
                let mood = *mood.lock().unwrap();
                tokio::spawn(serve(stream, mood, Arc::clone(&letters)));
            }
        });
        sink
    }

    fn letters(&self) -> Vec<(Vec<String>, String)> {
        self.letters.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, mood: Mood, letters: Letters) -> Option<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    if mood == Mood::Hangs {
        std::future::pending::<()>().await;
    }
    writer.write_all(b"220 sink ready\r\n").await.ok()?;
    let mut recipients = Vec::new();
    while let Some(line) = lines.next_line().await.ok()? {
        let verb = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        let answer = match (verb.as_str(), mood) {
            ("RCPT", Mood::Later) => "451 4.7.1 try again later",
            ("RCPT", Mood::Never) => "550 5.1.1 no such mailbox: anna.rossi@example.org",
            ("RCPT", _) => {
                recipients.push(line.clone());
                "250 ok"
            }
            ("DATA", _) => {
                writer.write_all(b"354 go on\r\n").await.ok()?;
                let mut letter = String::new();
                while let Some(line) = lines.next_line().await.ok()? {
                    if line == "." {
                        break;
                    }
                    letter += line.strip_prefix('.').unwrap_or(&line);
                    letter += "\n";
                }
                letters
                    .lock()
                    .unwrap()
                    .push((std::mem::take(&mut recipients), letter));
                "250 taken"
            }
            ("QUIT", _) => {
                writer.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "250 ok",
        };
        writer.write_all(answer.as_bytes()).await.ok()?;
        writer.write_all(b"\r\n").await.ok()?;
    }
    None
}

/// Anna wants no calls, and her messages by e-mail.
async fn world(port: u16) -> World {
    let world = World::with(Options {
        extra: format!(
            "\n[email]\nserver = \"127.0.0.1:{port}\"\nsecurity = \"none\"\nfrom = \"Ponte <voicemail@example.org>\"\n"
        ),
        ..Options::default()
    })
    .await;
    let store = Store::open(StoreOptions::new(&world.folder, StoreUse::Tool))
        .await
        .unwrap();
    let mut row = store.user(&ANNA.parse().unwrap()).await.unwrap().unwrap();
    row.email = Some(ADDRESS.parse().unwrap());
    store.set_user(row).await.unwrap();
    // No machine that runs tests has its clock there.
    let site = SiteRow {
        time_zone: Some("Pacific/Kiritimati".to_owned()),
        ..SiteRow::default()
    };
    store
        .change_together(vec![Change::SetSite(Box::new(site))], Vec::new())
        .await
        .unwrap();
    store.close(Duration::from_secs(5)).await;
    // The gateway looks for changes every second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let dnd = CommandBody::SetPresence {
        availability: Availability::DoNotDisturb,
        status: String::new(),
        status_until: None,
    };
    world.accepted(ANNA, dnd).await;
    world
}

async fn leave_message(world: &World) {
    let total = |world: &World| world.edge.state(ANNA).unwrap().mailbox.total;
    let before = total(world);
    world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            ..Answer::default()
        },
        leave_message: Some(LeaveMessage {
            speak_ms: 2_000,
            ..LeaveMessage::default()
        }),
        ..PlaceCall::new(FAR, COMPANY)
    });
    world
        .until("the message is in the box", |world| total(world) == before + 1)
        .await;
}

/// The attached sound.
fn sound(letter: &str) -> Vec<i16> {
    use base64::Engine;
    let (_, part) = letter.split_once("Content-Type: audio/wav").unwrap();
    let (_, body) = part.split_once("\n\n").unwrap();
    let base64: String = body.lines().take_while(|line| !line.starts_with("--")).collect();
    let wav = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    let reader = hound::WavReader::new(std::io::Cursor::new(wav)).unwrap();
    reader.into_samples().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_message_arrives_by_email_with_its_sound() {
    let port = free_port();
    let sink = Sink::start(port, Mood::Takes).await;
    let world = world(port).await;
    leave_message(&world).await;
    world
        .until("the letter has arrived", |_| sink.letters().len() == 1)
        .await;
    let (recipients, letter) = sink.letters().remove(0);
    assert_eq!(recipients.len(), 1);
    assert!(recipients[0].contains(ADDRESS), "{recipients:?}");
    assert!(letter.contains(FAR), "{}", &letter[..500]);
    let received = world.edge.state(ANNA).unwrap().mailbox.messages[0].received_at;
    let received = jiff::Timestamp::from_millisecond(received.0.cast_signed()).unwrap();
    let received = received.in_tz("Pacific/Kiritimati").unwrap();
    let received = received.strftime("Received: %Y-%m-%d %H:%M +14").to_string();
    assert!(letter.contains(&received), "{received}\n{}", &letter[..1000]);
    let samples = sound(&letter);
    let middle = &samples[samples.len() / 2..][..2400];
    assert!(analysis::contains(middle, CALLER_HZ, 5.0));
    world
        .until("nothing waits", |world| {
            std::fs::read_dir(world.folder.join("mail")).unwrap().count() == 0
        })
        .await;
    assert!(!world.log().contains(ADDRESS) && !world.log().contains("anna.rossi"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_message_that_a_crash_cuts_arrives_by_email_after_the_next_start() {
    let port = free_port();
    let sink = Sink::start(port, Mood::Takes).await;
    let mut world = world(port).await;
    world.place(PlaceCall {
        telephone: Answer {
            tone_hz: Some(CALLER_HZ),
            ..Answer::default()
        },
        leave_message: Some(LeaveMessage {
            speak_ms: 60_000,
            ..LeaveMessage::default()
        }),
        ..PlaceCall::new(FAR, COMPANY)
    });
    let messages = world.folder.join("messages");
    let on_disk = |_: &World| {
        let mut entries = std::fs::read_dir(&messages).unwrap().flatten();
        entries.any(|entry| entry.metadata().is_ok_and(|file| file.len() > 3 * 16_000))
    };
    world.until("three seconds are on the disk", on_disk).await;
    world.crash_gateway().await;
    assert!(sink.letters().is_empty());
    world.start_gateway().await;
    world
        .until("the letter has arrived", |_| sink.letters().len() == 1)
        .await;
    let (_, letter) = sink.letters().remove(0);
    let spoken = |window: &[i16]| analysis::contains(window, CALLER_HZ, 5.0);
    assert!(sound(&letter).chunks_exact(2400).any(spoken));
    world
        .until("nothing waits, and no note is left", |world| {
            let waiting = std::fs::read_dir(world.folder.join("mail")).unwrap().count();
            waiting == 0 && std::fs::read_dir(&messages).unwrap().count() == 1
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_a_server_that_hangs_holds_up_no_call_and_the_letters_wait_over_a_restart() {
    let port = free_port();
    let sink = Sink::start(port, Mood::Hangs).await;
    let mut world = world(port).await;
    leave_message(&world).await;
    world
        .until("the server is asked", |_| *sink.connections.lock().unwrap() >= 1)
        .await;
    // While the server keeps the first letter's client waiting, another caller leaves a message as ever.
    leave_message(&world).await;
    let mail = world.folder.join("mail");
    world
        .until("both letters are written down", |_| {
            std::fs::read_dir(&mail).unwrap().count() == 2
        })
        .await;
    world.crash_gateway().await;
    *sink.mood.lock().unwrap() = Mood::Takes;
    world.start_gateway().await;
    world
        .until("both letters have arrived", |_| sink.letters().len() == 2)
        .await;
    world
        .until("nothing waits", |_| {
            std::fs::read_dir(&mail).unwrap().count() == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_what_is_refused_for_now_is_tried_again_and_what_is_refused_for_good_is_not() {
    let port = free_port();
    let sink = Sink::start(port, Mood::Later).await;
    let world = world(port).await;
    leave_message(&world).await;
    world
        .until("the failure is told", |world| {
            world.log().contains("could not be sent by e-mail now")
        })
        .await;
    *sink.mood.lock().unwrap() = Mood::Takes;
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while sink.letters().is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "it was not tried again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    *sink.mood.lock().unwrap() = Mood::Never;
    leave_message(&world).await;
    world
        .until("it is given up", |world| {
            world.log().contains("a message is not sent by e-mail")
        })
        .await;
    world
        .until("nothing waits", |world| {
            std::fs::read_dir(world.folder.join("mail")).unwrap().count() == 0
        })
        .await;
    assert_eq!(sink.letters().len(), 1);
    // The server said the address, the log does not.
    assert!(!world.log().contains(ADDRESS), "{}", world.log());
}
