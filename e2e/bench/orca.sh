#!/bin/sh
# A whole call as Orca, the screen reader of Linux desktops, says it: runs e2e/tests/spoken.spec.ts in a window of its own on a
# display of its own, and prints what Orca was about to speak, in order; the same stands in screenshots/orca.txt.
#
# Needs Debian's orca, xvfb, at-spi2-core and dbus (dbus-run-session), and writes nothing outside a folder that it removes.
set -eu
cd "$(dirname "$0")/.."
for program in orca Xvfb dbus-run-session gsettings; do
  command -v $program > /dev/null || { echo "$program is missing: apt-get install orca xvfb at-spi2-core dbus libglib2.0-bin" >&2; exit 1; }
done
if [ "${1-}" != inside ]; then
  (cd .. && cargo build -q -p xtask)
  room=$(mktemp -d)
  trap 'rm -rf "$room"' EXIT
  tools=$HOME
  # Orca's settings and sockets are this run's alone; caches stay where they are.
  PONTE_CACHE=${PONTE_CACHE:-$tools/.cache/ponte} CARGO_HOME=${CARGO_HOME:-$tools/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$tools/.rustup} \
    HOME=$room XDG_RUNTIME_DIR=$room XDG_CONFIG_HOME=$room/config XDG_DATA_HOME=$room/data PONTE_ORCA=$room/orca.log \
    dbus-run-session -- sh bench/orca.sh inside "$@"
  exit
fi
shift

# Orca writes down all that it would speak also where nothing can speak; without a window manager it takes no tab for the
# one that is looked at.
mkdir -p "$XDG_DATA_HOME/orca"
cat > "$XDG_DATA_HOME/orca/orca-customizations.py" << 'END'
import orca.settings
import orca.speech
orca.speech.init = lambda: None
orca.settings.presentLiveRegionFromInactiveTab = True
END
export DISPLAY=:97
Xvfb $DISPLAY -screen 0 1280x900x24 -nolisten tcp > /dev/null 2>&1 &
screen=$!
/usr/libexec/at-spi-bus-launcher --launch-immediately > /dev/null 2>&1 &
bus=$!
gsettings set org.gnome.desktop.interface toolkit-accessibility true
gsettings set org.gnome.desktop.a11y.applications screen-reader-enabled true
orca --replace --debug --debug-file="$PONTE_ORCA" > /dev/null 2>&1 &
reader=$!
trap 'kill $reader $bus $screen 2> /dev/null || true' EXIT
until grep -q 'Screen reader on' "$PONTE_ORCA" 2> /dev/null; do sleep 0.2; done

passed=0
ACCESSIBILITY_ENABLED=1 npx playwright test spoken --project desktop --workers 1 --retries 0 "$@" || passed=$?
mkdir -p screenshots
# A phrase may be of several lines, and its voice's settings stand behind it.
sed -n "s/^.*SPEECH OUTPUT: '\(.*\)'.*$/\1/p" "$PONTE_ORCA" | sed "s/'\[*{'established.*$//" > screenshots/orca.txt
cat screenshots/orca.txt
exit $passed
