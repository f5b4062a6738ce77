# Call these through ./justw, which sets up what they need first.

# what there is
default:
    @just --justfile '{{ justfile() }}' --list --unsorted

# make .venv whole and current (justw did it on its way here)
setup:
    @echo 'ready: .venv/bin/visavis'

# chat with a peer that answers, on this machine alone (--once: without a screen)
demo *arguments:
    @visavis demo {{ arguments }}

# stand between two people: visavis relay
relay *arguments:
    @visavis relay {{ arguments }}

# lint, types and the quick tests, under a minute
check: lint type
    @{{ terminal }} pytest -q -n 2 -m 'not device and not long' --ignore=tests/e2e

# everything: lint, types, the parallel tests, then those that need a part of the system, one by one
test: lint type (_system "tmux" "ip:iproute2" "Xvfb:xvfb" "import:imagemagick" "xdotool" "jwm" "pulseaudio" "pactl:pulseaudio-utils" "espeak-ng" "ssh:openssh-client") (_library "libasound2-plugins" "libasound_module_pcm_pulse.so") _sshd
    @{{ terminal }} pytest -q -n 2 -m 'not device' --durations=10
    @{{ terminal }} pytest -q -m device --durations=10

# ruff: format and rules
lint:
    @ruff format --check --quiet .
    @ruff check --quiet .

# mypy, strict
type:
    @mypy

# every performance claim, measured beside a peer
bench *arguments: (_system "socat" "tmux" "ip:iproute2" "scp:openssh-client" "Xvfb:xvfb" "pulseaudio" "pactl:pulseaudio-utils" "espeak-ng") (_library "libasound2-plugins" "libasound_module_pcm_pulse.so") _sshd
    @python -m bench {{ arguments }}

# What a test sees of the terminal is always the same.
terminal := 'env -u NO_COLOR -u FORCE_COLOR -u COLORTERM COLUMNS=120 LINES=40 TERM=xterm-256color LC_ALL=C.UTF-8'

# Commands, each with its Debian package if that has another name: installed where we may, else what needs them skips
# and says so.
_system +commands:
    @for command in {{ commands }}; do command -v "${command%%:*}" >/dev/null || ./justw --apt-install "${command##*:}" || echo "not installed: ${command%%:*} (Debian: apt install ${command##*:})"; done

# The same of a library that a program loads when it wants it.
_library package file:
    @find /usr/lib -name '{{ file }}' 2>/dev/null | grep -q . || ./justw --apt-install {{ package }} || echo "not installed: {{ package }} (Debian: apt install {{ package }})"

# An sshd for the tests. Its package starts a server that listens to the world, so it is unpacked and not installed; for
# root it asks for the user that it serves strangers as.
_sshd:
    @PATH="$PATH:/usr/sbin:.venv/sshd/usr/sbin" command -v sshd >/dev/null || ./justw --apt-unpack .venv/sshd openssh-server libwrap0 libnsl2 libtirpc3 || echo 'not installed: sshd (Debian: apt install openssh-server)'
    @[ "$(id -u)" != 0 ] || getent passwd sshd >/dev/null || useradd --system --no-create-home --home-dir /run/sshd --shell /usr/sbin/nologin sshd
