//! G.711 in tables that are computed when the crate is compiled.
//!
//! Linear samples are 16 bit: G.711's 14-bit (µ-law) and 13-bit (A-law) values, shifted to the top. Transcoding goes
//! through the linear value, as ITU-T G.191's reference tools do.

use crate::Codec;

/// µ-law silence (positive zero).
pub const PCMU_SILENCE: u8 = 0xFF;
/// A-law silence (smallest positive value).
pub const PCMA_SILENCE: u8 = 0xD5;

/// G.711 adds this before it looks for the segment of a µ-law value; scaled to 16 bit.
const MU_BIAS: i32 = 0x84;
/// The largest magnitude that does not overflow with the bias added.
const MU_CLIP: i32 = 32_635;

static PCMU_TO_LINEAR: [i16; 256] = decode_table(Codec::Pcmu);
static PCMA_TO_LINEAR: [i16; 256] = decode_table(Codec::Pcma);
static PCMU_TO_PCMA: [u8; 256] = transcode_table(Codec::Pcmu, Codec::Pcma);
static PCMA_TO_PCMU: [u8; 256] = transcode_table(Codec::Pcma, Codec::Pcmu);

/// One 16-bit sample to µ-law.
pub const fn encode_pcmu(sample: i16) -> u8 {
    let linear = sample as i32;
    let (sign, magnitude) = if linear < 0 { (0x80, -linear) } else { (0, linear) };
    let biased = (if magnitude > MU_CLIP { MU_CLIP } else { magnitude }) + MU_BIAS;
    let segment = 24 - biased.leading_zeros().cast_signed();
    let step = (biased >> (segment + 3)) & 0x0F;
    !(sign | (segment << 4) | step) as u8
}

/// One 16-bit sample to A-law, even bits inverted as on the line.
pub const fn encode_pcma(sample: i16) -> u8 {
    let linear = (sample as i32) >> 3;
    let (mask, magnitude) = if linear < 0 {
        (0x55, !linear)
    } else {
        (0xD5, linear)
    };
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        let segment = 27 - magnitude.leading_zeros().cast_signed();
        (segment << 4) | ((magnitude >> segment) & 0x0F)
    };
    (code ^ mask) as u8
}

/// One µ-law byte to a 16-bit sample.
pub const fn decode_pcmu(code: u8) -> i16 {
    let code = !code as i32;
    let magnitude = ((((code & 0x0F) << 3) + MU_BIAS) << ((code & 0x70) >> 4)) - MU_BIAS;
    (if code & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

/// One A-law byte to a 16-bit sample.
pub const fn decode_pcma(code: u8) -> i16 {
    let code = (code ^ 0x55) as i32;
    let segment = (code & 0x70) >> 4;
    let step = (code & 0x0F) << 4;
    let magnitude = if segment == 0 {
        step + 8
    } else {
        (step + 0x108) << (segment - 1)
    };
    (if code & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

const fn encode_one(codec: Codec, sample: i16) -> u8 {
    match codec {
        Codec::Pcmu => encode_pcmu(sample),
        Codec::Pcma => encode_pcma(sample),
    }
}

const fn decode_one(codec: Codec, code: u8) -> i16 {
    match codec {
        Codec::Pcmu => decode_pcmu(code),
        Codec::Pcma => decode_pcma(code),
    }
}

const fn decode_table(codec: Codec) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = decode_one(codec, code as u8);
        code += 1;
    }
    table
}

const fn transcode_table(from: Codec, to: Codec) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = encode_one(to, decode_one(from, code as u8));
        code += 1;
    }
    table
}

/// The table that turns a byte of `codec` into a sample.
pub fn linear_table(codec: Codec) -> &'static [i16; 256] {
    match codec {
        Codec::Pcmu => &PCMU_TO_LINEAR,
        Codec::Pcma => &PCMA_TO_LINEAR,
    }
}

/// The byte that stands for silence.
pub const fn silence(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => PCMU_SILENCE,
        Codec::Pcma => PCMA_SILENCE,
    }
}

/// Samples to G.711.
pub fn encode(codec: Codec, samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&sample| encode_one(codec, sample)).collect()
}

/// Samples to G.711, as many as there is room for.
pub(crate) fn encode_into(codec: Codec, samples: &[i16], payload: &mut [u8]) {
    for (code, &sample) in payload.iter_mut().zip(samples) {
        *code = encode_one(codec, sample);
    }
}

/// G.711 to samples.
pub fn decode(codec: Codec, payload: &[u8]) -> Vec<i16> {
    let table = linear_table(codec);
    payload.iter().map(|&code| table[usize::from(code)]).collect()
}

/// Rewrites a payload from one law to the other, in place.
pub fn transcode(from: Codec, to: Codec, payload: &mut [u8]) {
    let table = match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => &PCMU_TO_PCMA,
        (Codec::Pcma, Codec::Pcmu) => &PCMA_TO_PCMU,
        _ => return,
    };
    for code in payload {
        *code = table[usize::from(*code)];
    }
}

/// Adds `other`, of the same law, to a payload, in place: both are heard. The shorter one decides how far.
pub(crate) fn mix(codec: Codec, payload: &mut [u8], other: &[u8]) {
    let table = linear_table(codec);
    for (code, &added) in payload.iter_mut().zip(other) {
        let sum = table[usize::from(*code)].saturating_add(table[usize::from(added)]);
        *code = encode_one(codec, sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_of_the_standard() {
        // Ends of the range, the zeros, and the first step of some segments (G.711 tables 1a, 1b, 2a, 2b).
        for (code, value) in [
            (0x80, 32_124),
            (0x00, -32_124),
            (0xFF, 0),
            (0x7F, 0),
            (0xFE, 8),
            (0x7E, -8),
            (0xEF, 132),
            (0x8F, 16_764),
        ] {
            assert_eq!(decode_pcmu(code), value, "mu-law {code:#x}");
        }
        for (code, value) in [
            (0xAA, 32_256),
            (0x2A, -32_256),
            (0xD5, 8),
            (0x55, -8),
            (0xC5, 264),
            (0xA5, 16_896),
        ] {
            assert_eq!(decode_pcma(code), value, "A-law {code:#x}");
        }
    }

    /// Decision values of G.711's tables: `steps` of `first` each, then 16 steps for each doubled width.
    fn decision_values(start: i32, first: i32, steps: i32, segments: u32) -> Vec<i32> {
        let mut values: Vec<i32> = (0..steps).map(|step| start + step * first).collect();
        for segment in 1..segments {
            let width = first << segment;
            let last = values[values.len() - 1] + (width >> 1);
            values.extend((0..16).map(|step| last + step * width));
        }
        values
    }

    #[test]
    fn decision_values_of_the_standard_separate_the_codes() {
        // 14-bit values in µ-law, 13-bit in A-law: 4 and 8 times as large in 16 bit.
        let mu: Vec<i32> = decision_values(1, 2, 15, 8).iter().map(|v| v * 4).collect();
        let a: Vec<i32> = decision_values(2, 2, 31, 7).iter().map(|v| v * 8).collect();
        assert_eq!((mu.len(), mu.last()), (127, Some(&(7903 * 4))));
        assert_eq!((a.len(), a.last()), (127, Some(&(3968 * 8))));
        let index = |values: &[i32], magnitude: i32| values.partition_point(|&v| v <= magnitude) as u8;
        for sample in 0..=i16::MAX {
            let magnitude = i32::from(sample);
            assert_eq!(!encode_pcmu(sample), index(&mu, magnitude), "{sample}");
            assert_eq!(encode_pcma(sample) ^ 0xD5, index(&a, magnitude), "{sample}");
            // A-law has no zero: -1 belongs to the first negative step.
            assert_eq!(encode_pcma(!sample) ^ 0x55, index(&a, magnitude), "{}", !sample);
            if sample != 0 {
                assert_eq!(!encode_pcmu(-sample) ^ 0x80, index(&mu, magnitude), "-{sample}");
            }
        }
    }

    #[test]
    fn every_code_survives_decoding_and_encoding() {
        for code in 0..=255u8 {
            assert_eq!(encode_pcma(decode_pcma(code)), code);
            // Negative zero of µ-law has no sample of its own.
            let expected = if code == 0x7F { 0xFF } else { code };
            assert_eq!(encode_pcmu(decode_pcmu(code)), expected);
        }
    }

    #[test]
    fn transcoding_goes_through_the_linear_value() {
        for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
            let mut payload: Vec<u8> = (0..=255).collect();
            let expected = encode(to, &decode(from, &payload));
            transcode(from, to, &mut payload);
            assert_eq!(payload, expected);
        }
        let mut same = vec![1, 2, 3];
        transcode(Codec::Pcma, Codec::Pcma, &mut same);
        assert_eq!(same, [1, 2, 3]);
    }
}
