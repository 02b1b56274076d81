import { readFileSync } from 'node:fs';
import path from 'node:path';
import { wavSamples } from './carrier.ts';

const PROMPTS = path.resolve(import.meta.dirname, '../../crates/media/prompts/en');
const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
/** Samples of a word that are looked for first: its loudest 50 ms. */
const PROBE = 400;
/** How alike two stretches are, from 0 to 1: G.711 takes little, another word leaves far less. */
const ALIKE = 0.9;

interface Word {
  digit: string;
  samples: Int16Array;
  /** Where the loudest 50 ms begin. */
  probe: number;
}

/** The digits that the telephone system spoke, in order, found by comparing what was heard with its own recordings. */
export function spokenDigits(heard: Int16Array): string {
  const found = words().flatMap((word) => placesOf(word, heard).map((at) => ({ at, digit: word.digit })));
  return found
    .sort((a, b) => a.at - b.at)
    .map(({ digit }) => digit)
    .join('');
}

function words(): Word[] {
  return WORDS.map((word, digit) => {
    const file = readFileSync(path.join(PROMPTS, `digit-${word}.wav`));
    const samples = wavSamples(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer);
    return { digit: String(digit), samples, probe: loudest(samples) };
  });
}

function loudest(samples: Int16Array): number {
  let [best, most] = [0, -1];
  for (let at = 0; at + PROBE <= samples.length; at += 20) {
    const power = dot(samples, at, samples, at, PROBE);
    if (power > most) [best, most] = [at, power];
  }
  return best;
}

/** Where the word is spoken. */
function placesOf(word: Word, heard: Int16Array): number[] {
  const places: number[] = [];
  const own = dot(word.samples, word.probe, word.samples, word.probe, PROBE);
  let power = dot(heard, word.probe, heard, word.probe, PROBE);
  for (let start = 0; start + word.samples.length <= heard.length; start += 1) {
    const at = start + word.probe;
    if (power > own / 8 && dot(heard, at, word.samples, word.probe, PROBE) > ALIKE * Math.sqrt(power * own)) {
      if (likeness(heard, start, word.samples) > ALIKE) {
        places.push(start);
        start += word.samples.length - 1;
        power = dot(heard, start + 1 + word.probe, heard, start + 1 + word.probe, PROBE);
        continue;
      }
    }
    power += square(heard[at + PROBE]) - square(heard[at]);
  }
  return places;
}

function likeness(heard: Int16Array, at: number, word: Int16Array): number {
  const length = word.length;
  const both = Math.sqrt(dot(heard, at, heard, at, length) * dot(word, 0, word, 0, length));
  return both === 0 ? 0 : dot(heard, at, word, 0, length) / both;
}

function dot(a: Int16Array, fromA: number, b: Int16Array, fromB: number, length: number): number {
  let sum = 0;
  for (let n = 0; n < length; n += 1) sum += (a[fromA + n] ?? 0) * (b[fromB + n] ?? 0);
  return sum;
}

function square(sample: number | undefined): number {
  return (sample ?? 0) ** 2;
}
