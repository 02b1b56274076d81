//! How loud the microphone is.

use wasm_bindgen::JsValue;
use web_sys::{AnalyserNode, AudioContext, MediaStream};

/// Ends with the value.
pub(crate) struct Meter {
    context: AudioContext,
    analyser: AnalyserNode,
}

impl Meter {
    pub(crate) fn new(stream: &MediaStream) -> Result<Self, JsValue> {
        let context = AudioContext::new()?;
        let analyser = context.create_analyser()?;
        context
            .create_media_stream_source(stream)?
            .connect_with_audio_node(&analyser)?;
        Ok(Self { context, analyser })
    }

    /// The loudest of the last 40 ms or so, from 0 to 1.
    pub(crate) fn level(&self) -> f64 {
        let mut wave = vec![0; self.analyser.fft_size() as usize];
        self.analyser.get_byte_time_domain_data(&mut wave);
        let loudest = wave.iter().map(|sample| sample.abs_diff(128)).max();
        f64::from(loudest.unwrap_or_default()) / 128.0
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let _ = self.context.close();
    }
}
