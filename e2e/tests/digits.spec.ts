import { expect, test } from '@playwright/test';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { wavSamples } from '../support/carrier.ts';
import { spokenDigits } from '../support/digits.ts';

const PROMPTS = path.resolve(import.meta.dirname, '../../crates/media/prompts/en');

test('spoken digits are read from what a telephone heard, whatever is spoken beside them', () => {
  const words = ['verification-code', 'digit-four', 'digit-zero', 'digit-four', 'digit-nine', 'digit-one', 'digit-seven'];
  const heard = words.flatMap((word) => [...throughTelephone(prompt(word)), ...Array<number>(977).fill(8)]);
  expect(spokenDigits(Int16Array.from(heard))).toBe('404917');
  expect(spokenDigits(prompt('leave-message'))).toBe('');
});

function prompt(name: string): Int16Array {
  const file = readFileSync(path.join(PROMPTS, `${name}.wav`));
  return wavSamples(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer);
}

/** A little quieter, and with the steps of a logarithmic law. */
function throughTelephone(samples: Int16Array): number[] {
  return [...samples].map((sample) => {
    const quieter = 0.8 * sample;
    const step = 2 ** Math.max(3, Math.floor(Math.log2(Math.abs(quieter) + 1)) - 4);
    return Math.round(quieter / step) * step;
  });
}
