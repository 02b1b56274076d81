//! A real telephone program at the far end: audio both ways, found by frequency in what it recorded.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use ponte_media::analysis;
use ponte_protocol::{CauseReason, LegRole};
use ponte_pstn_sim::{Answer, Behaviour};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{FAR, HOME, Options, PATIENCE, World};

const HOME_HZ: f64 = 700.0;
const FAR_HZ: f64 = 1130.0;

/// baresip, which answers every call, sends a tone and records what it hears.
struct Baresip {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Baresip {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let port = support::free_port();
        tone(&path.join("tone.wav"));
        let modules = ["g711", "aufile", "aubridge", "sndfile"]
            .map(|name| format!("module {name}.so\n"))
            .concat();
        let config = format!(
            "sip_listen 127.0.0.1:{port}\nsip_transports udp\nnet_interface 127.0.0.1\nrtp_ports 31000-31999\n\
             audio_source aufile,{folder}/tone.wav\naudio_player aubridge,ear\nsnd_path {folder}\n\
             audio_srate 8000\naudio_channels 1\nausrc_srate 8000\nauplay_srate 8000\n\
             module_path /usr/lib/baresip/modules\n{modules}module_app account.so\nmodule_app menu.so\n",
            folder = path.display(),
        );
        let account = format!("<sip:{FAR}@127.0.0.1>;regint=0;answermode=auto;audio_codecs=pcmu/8000/1\n");
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
        let baresip = Self {
            process,
            folder,
            port,
        };
        let ready = async {
            while !baresip.log().contains("baresip is ready") {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready)
            .await
            .expect("baresip starts");
        baresip
    }

    fn log(&self) -> String {
        let bytes = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What the telephone heard; written when the program ends.
    fn heard(mut self) -> Vec<i16> {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.process.wait().unwrap();
        let recordings = std::fs::read_dir(self.folder.path()).unwrap();
        let recording: PathBuf = recordings
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .unwrap_or_else(|| panic!("baresip recorded nothing: {}", self.log()));
        hound::WavReader::open(recording)
            .unwrap()
            .samples::<i16>()
            .map(Result::unwrap)
            .collect()
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn tone(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).unwrap();
    for sample in analysis::sines(&[FAR_HZ], -12.0, 60.0) {
        file.write_sample(sample).unwrap();
    }
    file.finalize().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t05_baresip_and_the_users_telephone_hear_each_other() {
    let baresip = Baresip::start().await;
    // The carrier has no capacity for the far number, so it goes to the second trunk, which is baresip.
    let trunk = format!(
        "\n[[trunk]]\nname = \"baresip\"\naddress = \"127.0.0.1:{}\"\n",
        baresip.port
    );
    let world = World::with(Options {
        extra: trunk,
        ..Options::default()
    })
    .await;
    let home = Answer {
        after_ms: 50,
        tone_hz: Some(HOME_HZ),
        ..Answer::default()
    };
    world
        .telephones(Behaviour::Answer(home), Behaviour::ServiceUnavailable)
        .await;
    let call = world.dial().await;
    world.connected(call).await;
    world
        .until("the user hears baresip", |world| {
            world.call_to(HOME).media.has_heard(FAR_HZ, 1500)
        })
        .await;
    world.hang_up(call).await;
    let record = world.ended(call).await;
    assert_eq!(record.cause.reason, CauseReason::NormalClearing);
    let far = record.legs.iter().rfind(|leg| leg.role == LegRole::Far).unwrap();
    assert_eq!(far.trunk, "baresip");

    let heard = baresip.heard();
    assert!(heard.len() > 8000, "baresip heard only {} samples", heard.len());
    let middle = &heard[heard.len() / 2..][..2400];
    assert!(
        analysis::contains(middle, HOME_HZ, 5.0),
        "baresip heard {:?}",
        analysis::partials(middle, 4)
    );
    assert!(!analysis::contains(middle, FAR_HZ, 5.0), "baresip hears itself");
}
