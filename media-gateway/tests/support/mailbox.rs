//! Anna's box: messages, and the calls that were recorded on demand.

use super::{ANNA, World};
use base64::Engine;
use ponte_protocol::admin::{AdminChange, CallRecording, SiteSettings};
use ponte_protocol::{AudioPart, CallId, EdgeFrame, Mailbox, MessageId, VoiceMessage};
use uuid::Uuid;

impl World {
    pub fn mailbox(&self) -> Mailbox {
        self.edge.state(ANNA).unwrap().mailbox
    }

    /// Waits until so many messages are in the box; they, newest first.
    pub async fn kept(&self, total: u32) -> Vec<VoiceMessage> {
        let has = |world: &Self| world.mailbox().total == total;
        self.until("the recording is in the box", has).await;
        self.mailbox().messages
    }

    /// The sound of a message as the portal is given it, 8000 samples a second.
    pub async fn sound(&self, message: MessageId) -> Vec<i16> {
        let mut file = Vec::new();
        loop {
            let request = Uuid::now_v7();
            self.edge.send(EdgeFrame::FetchAudio {
                request,
                user: ANNA.parse().unwrap(),
                message,
                offset: file.len() as u64,
                length: 200_000,
                own: None,
            });
            let AudioPart::Bytes { total, base64, .. } = self.edge.audio(request).await else {
                panic!("no sound")
            };
            let engine = base64::engine::general_purpose::STANDARD;
            file.extend(engine.decode(base64).unwrap());
            if file.len() as u64 == total {
                let reader = hound::WavReader::new(std::io::Cursor::new(file)).unwrap();
                return reader.into_samples().map(Result::unwrap).collect();
            }
        }
    }

    /// Whether Anna's portal shows that a call is recorded.
    pub fn is_recorded(&self, call: CallId) -> bool {
        let state = self.edge.state(ANNA).unwrap();
        let view = state.calls.iter().find(|known| known.id == call);
        view.is_some_and(|call| call.recorded_since.is_some())
    }

    /// The site says whose calls may be recorded, in the administrators' pages.
    pub async fn may_record(&self, call_recording: CallRecording) {
        let settings = Box::new(SiteSettings {
            call_recording,
            ..self.site_settings().await
        });
        self.makes_change(AdminChange::PutSite { settings }).await;
        let holds = |world: &Self| {
            let profile = world.edge.state(ANNA).unwrap().profile;
            profile.recording_allowed == (call_recording == CallRecording::Everyone)
        };
        self.until("the portal is told what may be recorded", holds).await;
    }
}
