//! What loss and jitter do to the audio: Opus with the copies of in-band FEC beside PCMU, both ways at once.

use std::net::IpAddr;

use ponte_media::{Codec, g711};

use crate::Failure;
use crate::call::{self, Call};
use crate::path::Impairment;
use crate::peer::Speaks;
use crate::score::{Continuity, continuity, played, segmental_snr};
use crate::sound::{self, TONE_HZ, TONE_LEVEL};

const TONE_SECONDS: f64 = 8.0;
/// Loss in per mille, jitter in milliseconds.
const NETWORKS: [(u32, u32); 7] = [(0, 0), (10, 0), (30, 0), (50, 0), (100, 0), (0, 50), (50, 50)];

struct Heard {
    audio: Vec<i16>,
    made_up_per_mille: u32,
}

/// One codec on one network: what the telephone heard of the browser, and the browser of the telephone.
struct Run {
    network: (u32, u32),
    ways: [(Heard, Heard); 2],
}

pub fn measure(at: IpAddr) -> Result<String, Failure> {
    let mut rows = Vec::new();
    let speech = sound::speech()?;
    for speaks in [Speaks::Opus, Speaks::Pcmu] {
        let plane = call::plane(at)?;
        let runs: Vec<Run> = std::thread::scope(|scope| {
            let threads: Vec<_> = NETWORKS
                .into_iter()
                .map(|network| {
                    let (plane, speech) = (&plane, &speech);
                    scope.spawn(move || {
                        run(plane, speaks, at, network, speech).map_err(|error| error.to_string())
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| "a run panicked".to_owned())?)
                .collect::<Result<_, String>>()
        })?;
        let clean = runs.first().ok_or("nothing was run")?;
        for run in &runs {
            for (way, name) in ["browser_to_telephone", "telephone_to_browser"]
                .into_iter()
                .enumerate()
            {
                rows.push(row(speaks, run, clean, way, name, &speech));
            }
        }
    }
    Ok(format!("[{}]", rows.join(",")))
}

fn row(speaks: Speaks, run: &Run, clean: &Run, way: usize, name: &str, speech: &[i16]) -> String {
    let (tone, said) = &run.ways[way];
    let Continuity {
        whole_percent,
        longest_gap_ms,
    } = continuity(&tone.audio, TONE_HZ, TONE_LEVEL);
    let of_said = segmental_snr(speech, &said.audio);
    let of_clean = segmental_snr(&clean.ways[way].1.audio, &said.audio);
    let (loss, jitter) = run.network;
    eprintln!(
        "| {} | {name} | {} % | {jitter} ms | {whole_percent:.1} % | {longest_gap_ms} ms | {of_said:.1} dB | {of_clean:.1} dB |",
        speaks.name(),
        f64::from(loss) / 10.0
    );
    format!(
        "{{\"codec\":\"{}\",\"way\":\"{name}\",\"loss_percent\":{},\"jitter_ms\":{jitter},\
         \"tone_whole_percent\":{whole_percent:.1},\"tone_longest_gap_ms\":{longest_gap_ms},\
         \"segmental_snr_db\":{of_said:.1},\"segmental_snr_beside_no_loss_db\":{of_clean:.1},\
         \"made_up_percent\":{:.1}}}",
        speaks.name(),
        f64::from(loss) / 10.0,
        f64::from(said.made_up_per_mille) / 10.0,
    )
}

fn run(
    plane: &ponte_media::MediaPlane,
    speaks: Speaks,
    at: IpAddr,
    network: (u32, u32),
    speech: &[i16],
) -> Result<Run, Failure> {
    // The same seed for both codecs: the same packets are lost.
    let seed = 77 + u64::from(network.0) + 1_000 * u64::from(network.1);
    let mut call = Call::start(plane, speaks, at, Some(seed))?;
    let (loss_per_mille, jitter_ms) = network;
    if let Some(path) = &call.path {
        path.impair(Impairment {
            loss_per_mille,
            jitter_ms,
        });
    }
    let tone = sound::tone(TONE_SECONDS);
    let mut say = |audio: &[i16]| -> Result<(Heard, Heard), Failure> {
        let from_browser = sound::packets(speaks, audio)?;
        let from_phone: Vec<Vec<u8>> = audio
            .chunks_exact(160)
            .map(|frame| g711::encode(Codec::Pcmu, frame))
            .collect();
        call.phone.heard.clear();
        call.peer.heard.clear();
        call.talk(&from_browser, &from_phone, |_, _| {})?;
        let heard = |(audio, made_up_per_mille)| Heard {
            audio,
            made_up_per_mille,
        };
        Ok((
            heard(played(Speaks::Pcmu, &call.phone.heard)?),
            heard(played(speaks, &call.peer.heard)?),
        ))
    };
    let (tone_up, tone_down) = say(&tone)?;
    let (speech_up, speech_down) = say(speech)?;
    Ok(Run {
        network,
        ways: [(tone_up, speech_up), (tone_down, speech_down)],
    })
}
