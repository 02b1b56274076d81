//! Records the microphone, and reads what was recorded or chosen as the telephone system wants it.
//!
//! The browser decodes: whatever it can play can be a greeting, and the telephone system need know WAV alone.

use crate::rtc::meter::Meter;
use crate::rtc::{Problem, microphone};
use js_sys::{Array, Promise, Uint8Array};
use ponte_protocol::upload::OWN_SOUND_MAX_MS;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AudioBuffer, Blob, BlobEvent, BlobPropertyBag, MediaRecorder, MediaStream, OfflineAudioContext,
    RecordingState, Url,
};

/// The rate of the telephone, in hertz.
const RATE: u32 = 8_000;
const HEADER: usize = 44;
/// The largest file that is read, in bytes: two minutes in the best quality that anybody keeps.
const FILE_MAX: f64 = 40_000_000.0;

/// A recording that goes on.
pub struct Recorder {
    media: MediaRecorder,
    stream: MediaStream,
    /// Where the browser lets a page look.
    meter: Option<Meter>,
}

impl Recorder {
    /// Begins. The browser asks for the microphone, unless it was allowed before.
    ///
    /// # Errors
    /// [`Problem`] says why there is none.
    pub async fn start() -> Result<Self, Problem> {
        let stream = microphone::open().await?;
        let recorder = MediaRecorder::new_with_media_stream(&stream)
            .and_then(|recorder| recorder.start().map(|()| recorder))
            .map_err(|_| {
                microphone::close(&stream);
                Problem::NoMicrophone
            })?;
        let meter = Meter::new(&stream).ok();
        Ok(Self {
            media: recorder,
            stream,
            meter,
        })
    }

    /// How loud it is now, from 0 to 1.
    pub fn level(&self) -> f64 {
        self.meter.as_ref().map_or(0.0, Meter::level)
    }

    /// Ends it, and gives what was said in the browser's own format.
    pub async fn stop(mut self) -> Option<Blob> {
        self.meter = None;
        let (recorder, stream) = (&self.media, &self.stream);
        // The microphone was pulled out, and nothing more is told.
        if recorder.state() == RecordingState::Inactive {
            return None;
        }
        let told = Promise::new(&mut |told, _| {
            let taken = Closure::once_into_js(move |event: BlobEvent| {
                let blob = event.data().map_or(JsValue::NULL, JsValue::from);
                let _ = told.call1(&JsValue::NULL, &blob);
            });
            recorder.set_ondataavailable(Some(taken.unchecked_ref()));
        });
        let stopped = recorder.stop();
        microphone::close(stream);
        stopped.ok()?;
        JsFuture::from(told).await.ok()?.dyn_into().ok()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        microphone::close(&self.stream);
    }
}

/// A sound that can be listened to here and sent.
#[derive(Clone)]
pub struct Draft {
    /// A WAV file.
    pub bytes: Uint8Array,
    /// Where this page can play it.
    pub address: String,
}

/// Why a sound cannot be used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// The browser cannot read it.
    NoSound,
    TooLong,
}

impl Draft {
    /// Reads a sound of any format that the browser knows.
    ///
    /// # Errors
    /// [`Unusable`] says why not.
    pub async fn read(blob: &Blob) -> Result<Self, Unusable> {
        if blob.size() > FILE_MAX {
            return Err(Unusable::TooLong);
        }
        let sound = decode(blob).await.map_err(|_| Unusable::NoSound)?;
        if sound.duration() * 1_000.0 > OWN_SOUND_MAX_MS as f64 {
            return Err(Unusable::TooLong);
        }
        let file = wav(&sound).ok_or(Unusable::NoSound)?;
        let bytes = Uint8Array::from(file.as_slice());
        let kind = BlobPropertyBag::new();
        kind.set_type("audio/wav");
        let address = Blob::new_with_u8_array_sequence_and_options(&Array::of1(&bytes), &kind)
            .and_then(|blob| Url::create_object_url_with_blob(&blob))
            .map_err(|_| Unusable::NoSound)?;
        Ok(Self { bytes, address })
    }

    /// It is not wanted any more.
    pub fn forget(&self) {
        let _ = Url::revoke_object_url(&self.address);
    }
}

/// The context has the telephone's rate, and decoding resamples to that.
async fn decode(blob: &Blob) -> Result<AudioBuffer, JsValue> {
    let bytes = JsFuture::from(blob.array_buffer()).await?;
    let context =
        OfflineAudioContext::new_with_number_of_channels_and_length_and_sample_rate(1, 1, RATE as f32)?;
    let decoded = context.decode_audio_data(bytes.unchecked_ref())?;
    JsFuture::from(decoded).await?.dyn_into()
}

/// The mean of the channels, 16 bit, in a WAV file.
fn wav(sound: &AudioBuffer) -> Option<Vec<u8>> {
    let channels = sound.number_of_channels().max(1);
    let mut mixed = sound.get_channel_data(0).ok()?;
    for channel in 1..channels {
        let more = sound.get_channel_data(channel).ok()?;
        mixed
            .iter_mut()
            .zip(more)
            .for_each(|(sum, sample)| *sum += sample);
    }
    let scale = 32_767.0 / channels as f32;
    let length = 2 * mixed.len() as u32;
    let mut file = Vec::with_capacity(HEADER + length as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(length + HEADER as u32 - 8).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(2 * RATE).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    for sample in mixed {
        file.extend_from_slice(&((sample * scale) as i16).to_le_bytes());
    }
    Some(file)
}
