//! A browser's offer and our answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use str0m::change::SdpOffer;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::{Codec, FormatParams, PayloadParams};
use str0m::media::{Frequency, MediaKind, Mid};
use str0m::net::TcpType;
use str0m::{Candidate, Rtc, RtcConfig};

use super::{WebRtcError, wide};
use crate::quality::LOOK_EVERY;

/// Longest description that is read, in bytes; a browser's audio offer has about 3,000.
const OFFER_MAX: usize = 16 * 1024;

/// What every session is made with.
#[derive(Debug)]
pub(super) struct Negotiator {
    crypto: Arc<CryptoProvider>,
    certificate: DtlsCert,
    /// Browsers are asked to send nothing in pauses, and are not sent anything then if they ask.
    dtx: bool,
}

/// Where the browsers of one thread come.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    pub(super) udp: Vec<SocketAddr>,
    pub(super) tcp: Vec<SocketAddr>,
}

/// A session before its first packet.
pub(super) struct Negotiated {
    pub(super) rtc: Rtc,
    pub(super) mid: Mid,
    pub(super) answer: String,
    /// The browser asks for nothing in pauses.
    pub(super) dtx: bool,
}

impl Negotiator {
    /// Makes the certificate whose fingerprint stands in every answer until the next start.
    pub(super) fn new(dtx: bool) -> Result<Self, WebRtcError> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or(WebRtcError::Certificate)?;
        Ok(Self {
            crypto,
            certificate,
            dtx,
        })
    }

    fn config(&self) -> RtcConfig {
        let mut config = RtcConfig::new()
            .set_crypto_provider(self.crypto.clone())
            .set_dtls_cert(self.certificate.clone())
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_stats_interval(Some(LOOK_EVERY))
            .clear_codecs();
        let codecs = config.codec_config();
        let plain = FormatParams::default();
        let opus = FormatParams {
            min_p_time: Some(10),
            use_inband_fec: Some(true),
            use_dtx: self.dtx.then_some(true),
            ..plain
        };
        codecs.add_config(
            111.into(),
            None,
            Codec::Opus,
            Frequency::FORTY_EIGHT_KHZ,
            Some(2),
            opus,
        );
        let clock = Frequency::SIXTEEN_KHZ;
        codecs.add_config(wide::PAYLOAD_TYPE.into(), None, Codec::G722, clock, None, plain);
        codecs.enable_pcma(true, false);
        codecs.enable_pcmu(true, false);
        for (payload_type, clock) in [(110, Frequency::FORTY_EIGHT_KHZ), (126, Frequency::EIGHT_KHZ)] {
            let events = FormatParams::parse_line("0-15");
            codecs.add_config(payload_type.into(), None, Codec::Tele, clock, None, events);
        }
        config
    }

    /// Answers a first offer. The session knows `addresses` as its own.
    #[allow(clippy::redundant_closure_for_method_calls)] // The line's type has no public name.
    pub(super) fn answer(&self, offer: &str, addresses: &Addresses) -> Result<Negotiated, WebRtcError> {
        let offer = read(offer)?;
        let mut rtc = self.config().build(Instant::now());
        let builder = Candidate::builder;
        let udp = addresses.udp.iter().map(|&at| builder().udp().host(at).build());
        let tcp = addresses.tcp.iter();
        // Browsers connect; the type makes these the last that they choose (RFC 6544 section 4.2).
        let tcp = tcp.map(|&at| builder().tcp().host(at).tcptype(TcpType::Passive).build());
        for candidate in udp.chain(tcp) {
            let candidate = candidate.map_err(|error| WebRtcError::Description(error.to_string()))?;
            rtc.add_local_candidate(candidate);
        }
        let asks = |format: PayloadParams| {
            let spec = format.spec();
            spec.codec == Codec::Opus && spec.format.use_dtx == Some(true)
        };
        let dtx = self.dtx
            && offer
                .media_lines
                .iter()
                .any(|line| line.rtp_params().into_iter().any(asks));
        let streams: Vec<Mid> = offer.media_lines.iter().map(|line| line.mid()).collect();
        let answer = accept(&mut rtc, offer)?;
        // The first audio stream that was agreed.
        let agreed = |mid: &Mid| {
            let media = rtc.media(*mid);
            media.is_some_and(|media| media.kind() == MediaKind::Audio && !media.disabled())
        };
        let mid = streams
            .into_iter()
            .find(agreed)
            .ok_or(WebRtcError::NoCommonCodec)?;
        Ok(Negotiated {
            rtc,
            mid,
            answer,
            dtx,
        })
    }
}

/// Answers a later offer in a session that is up: an ICE restart.
pub(super) fn answer_again(rtc: &mut Rtc, offer: &str) -> Result<String, WebRtcError> {
    accept(rtc, read(offer)?)
}

fn read(offer: &str) -> Result<SdpOffer, WebRtcError> {
    if offer.len() > OFFER_MAX {
        return Err(WebRtcError::Description(format!("longer than {OFFER_MAX} bytes")));
    }
    SdpOffer::from_sdp_string(offer).map_err(|error| WebRtcError::Description(error.to_string()))
}

fn accept(rtc: &mut Rtc, offer: SdpOffer) -> Result<String, WebRtcError> {
    rtc.sdp_api()
        .accept_offer(offer)
        .map(|answer| answer.to_sdp_string())
        .map_err(|error| WebRtcError::Description(error.to_string()))
}
