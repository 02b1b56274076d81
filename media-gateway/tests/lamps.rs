//! Lamps of desk telephones through the whole gateway: waiting messages (RFC 3842), calls of an extension (RFC 4235),
//! presence both ways (RFC 3856 and 3903). SIPp is the telephone: each scenario wants its NOTIFYs in this order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::doc_markdown)]

mod support;

use ponte_protocol::{Availability, CommandBody};
use ponte_pstn_sim::{Answer, Behaviour, LeaveMessage, PlaceCall};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::sipp::content;
use support::{ANNA, COMPANY, FAR, HOME, PASSWORD, World, free_port};

const BRUNO: &str = "bruno";

/// How long one lamp may take, with all that goes before it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A telephone that plays a scenario.
struct Telephone {
    process: Child,
    folder: tempfile::TempDir,
}

fn request(method: &str, cseq: u32, account: &str, resource: &str, headers: &str, body: &str) -> String {
    let auth = if cseq > 1 {
        format!("[authentication username={account} password={PASSWORD}]\n")
    } else {
        String::new()
    };
    format!(
        "<send retrans=\"500\"><![CDATA[\n{method} sip:{resource}@[remote_ip]:[remote_port] SIP/2.0\n\
         Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\nMax-Forwards: 70\n\
         From: <sip:{account}@[remote_ip]>;tag=[pid]w[call_number]\nTo: <sip:{resource}@[remote_ip]>\n\
         Call-ID: [call_id]\nCSeq: {cseq} {method}\nContact: <sip:{account}@[local_ip]:[local_port]>\n\
         {headers}{auth}Content-Length: [len]\n\n{body}]]></send>\n"
    )
}

impl Telephone {
    fn start(gateway: SocketAddr, resource: &str, steps: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scenario.xml");
        let scenario = format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\" ?>\n<scenario name=\"telephone\">\n{steps}</scenario>\n"
        );
        std::fs::write(&file, scenario).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new("sipp")
            .arg(gateway.to_string())
            .arg("-sf")
            .arg(&file)
            .args(["-auth_uri", &format!("{resource}@{gateway}")])
            .args([
                "-m",
                "1",
                "-nostdin",
                "-timeout",
                "120",
                "-trace_err",
                "-trace_msg",
            ])
            .args(["-i", "127.0.0.1", "-p", &free_port().to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("SIPp is not installed: apt-get install sip-tester");
        Self { process, folder }
    }

    /// Subscribes, and wants these expressions in its NOTIFYs, one after the other.
    fn watches(
        gateway: SocketAddr,
        account: &str,
        resource: &str,
        event: (&str, &str),
        wants: &[&str],
    ) -> Self {
        let headers = format!("Event: {}\nAccept: {}\nExpires: 600\n", event.0, event.1);
        let mut steps = request("SUBSCRIBE", 1, account, resource, &headers, "");
        steps += "<recv response=\"401\" auth=\"true\"/>\n";
        steps += &request("SUBSCRIBE", 2, account, resource, &headers, "");
        steps += "<recv response=\"200\"/>\n";
        for (place, wanted) in wants.iter().enumerate() {
            write!(
                steps,
                "<recv request=\"NOTIFY\"><action><ereg regexp=\"{wanted}\" search_in=\"msg\" check_it=\"true\" \
                 assign_to=\"n{place}\"/><log message=\"[$n{place}]\"/></action></recv>\n<send><![CDATA[\n\
                 SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\n\
                 Content-Length: 0\n\n]]></send>\n"
            )
            .unwrap();
        }
        Self::start(gateway, resource, &steps)
    }

    /// Tells of its user's presence.
    fn publishes(gateway: SocketAddr, account: &str, document: &str) -> Self {
        let headers = "Event: presence\nExpires: 600\nContent-Type: application/pidf+xml\n";
        let mut steps = request("PUBLISH", 1, account, account, headers, document);
        steps += "<recv response=\"401\" auth=\"true\"/>\n";
        steps += &request("PUBLISH", 2, account, account, headers, document);
        steps += "<recv response=\"200\"/>\n";
        Self::start(gateway, account, &steps)
    }

    /// What was sent and received.
    fn said(&self) -> String {
        said(self.folder.path())
    }

    /// Waits until it has had so many NOTIFYs.
    async fn notified(&self, times: usize) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.said().matches("\nNOTIFY ").count() < times {
            assert!(
                tokio::time::Instant::now() < deadline,
                "no NOTIFY {times}: {}",
                self.said()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all came as the scenario wants.
    async fn content(mut self) {
        content(&mut self.process, || said(self.folder.path())).await;
    }
}

/// All that SIPp wrote into its folder.
fn said(folder: &std::path::Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .collect()
}

impl Drop for Telephone {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Anna and Bruno, each with a telephone of their own.
async fn office() -> World {
    let world = World::start().await;
    world.add_user(BRUNO, false).await;
    world.add_device("desk-201", Some(ANNA), false).await;
    world
        .until("Bruno is known", |world| world.edge.state(BRUNO).is_some())
        .await;
    world.add_device("desk-202", Some(BRUNO), false).await;
    for (user, device) in [(ANNA, "desk-201"), (BRUNO, "desk-202")] {
        world.station(user, device, |station| station.logged_on).await;
    }
    world
}

fn presence(availability: Availability, status: &str) -> CommandBody {
    CommandBody::SetPresence {
        availability,
        status: status.to_owned(),
        status_until: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t09_the_message_lamp_follows_leaving_listening_and_deleting() {
    let world = office().await;
    world
        .accepted(ANNA, presence(Availability::DoNotDisturb, ""))
        .await;
    let summary = ("message-summary", "application/simple-message-summary");
    let wants = [
        "Messages-Waiting: no",
        "Messages-Waiting: yes.*Voice-Message: 1/0",
        "Messages-Waiting: no.*Voice-Message: 0/1",
        "Voice-Message: 0/0",
    ];
    let lamp = Telephone::watches(world.sip, "desk-201", "desk-201", summary, &wants);
    lamp.notified(1).await;
    world.place(PlaceCall {
        telephone: Answer::default(),
        leave_message: Some(LeaveMessage {
            speak_ms: 2_000,
            ..LeaveMessage::default()
        }),
        ..PlaceCall::new(FAR, COMPANY)
    });
    world
        .until("the message is in the box", |world| world.mailbox().total == 1)
        .await;
    lamp.notified(2).await;
    let message = world.mailbox().messages[0].id;
    let heard = true;
    world
        .accepted(ANNA, CommandBody::MarkMessage { message, heard })
        .await;
    lamp.notified(3).await;
    world.accepted(ANNA, CommandBody::DeleteMessage { message }).await;
    lamp.content().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_the_lamp_of_an_extension_follows_its_calls() {
    let world = office().await;
    let answer = Answer {
        after_ms: 1_000,
        ..Answer::default()
    };
    world.carrier.set_number(HOME, Behaviour::Answer(answer)).unwrap();
    world.enter(HOME, Some(false)).await;
    let dialogs = ("dialog", "application/dialog-info+xml");
    let wants = ["version=.0. state=.full.", "early", "confirmed", "terminated"];
    let lamp = Telephone::watches(world.sip, "desk-202", "201", dialogs, &wants);
    lamp.notified(1).await;
    world.place(PlaceCall::new(FAR, COMPANY));
    let call = world.shown().await;
    world.connected(call.id).await;
    lamp.notified(3).await;
    assert!(
        !lamp.said().contains(&FAR[1..]),
        "who calls is not for every telephone"
    );
    world.hang_up(call.id).await;
    lamp.content().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t12_presence_goes_from_portal_and_telephone_to_every_telephone() {
    let world = office().await;
    let document = ("presence", "application/pidf+xml");
    let wants = ["open", "In a meeting", "Back at five"];
    let lamp = Telephone::watches(world.sip, "desk-202", "201", document, &wants);
    lamp.notified(1).await;
    world
        .accepted(ANNA, presence(Availability::Busy, "In a meeting"))
        .await;
    lamp.notified(2).await;
    let away = r#"<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" entity="sip:201@test">
<tuple id="a"><status><basic>open</basic></status><note>Back at five</note></tuple>
<dm:person id="b"><r:activities><r:away/></r:activities></dm:person>
</presence>
"#;
    let telephone = Telephone::publishes(world.sip, "desk-201", away);
    telephone.content().await;
    world
        .until("every portal shows it", |world| {
            world.edge.state(ANNA).is_some_and(|state| {
                state.presence.availability == Availability::Away && state.presence.status == "Back at five"
            })
        })
        .await;
    lamp.content().await;
}
