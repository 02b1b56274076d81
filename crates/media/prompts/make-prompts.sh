#!/bin/sh
# Speaks every sentence of README.md's table into a WAV file: 8 kHz, mono, 16 bit, trimmed, -20 dBFS RMS.
# Needs espeak-ng and sox. Run it in this folder after a change of the table.
set -eu
cd "$(dirname "$0")"

speak() { # language voice name text
    raw=$(mktemp --suffix=.wav)
    cut=$(mktemp --suffix=.wav)
    espeak-ng -v "$2" -s 150 -w "$raw" "$4"
    # A telephone carries 300-3400 Hz; what lies outside only takes level away from the words.
    sox -G "$raw" -r 8000 -c 1 -b 16 "$cut" sinc 200-3500 \
        silence 1 0.02 0.3% reverse silence 1 0.02 0.3% reverse pad 0.02 0.05
    rms=$(sox "$cut" -n stat 2>&1 | awk '/RMS +amplitude/ { print $3 }')
    gain=$(awk -v rms="$rms" 'BEGIN { printf "%.2f", -20 - 20 * log(rms) / log(10) }')
    # -D keeps it repeatable: no random dither.
    sox -D "$cut" -b 16 "$1/$3.wav" gain -l "$gain"
    rm -f "$raw" "$cut"
}

mkdir -p en it
# Rows of the table: | file | English | Italian |
sed -n 's/^| `\([a-z-]*\)` | \(.*\) | \(.*\) |$/\1\t\2\t\3/p' README.md | while IFS='	' read -r name en it; do
    speak en en-gb "$name" "$en"
    speak it it "$name" "$it"
done
