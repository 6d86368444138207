#!/bin/sh
# See to it that the programs that tests run are there: the Chromium that opens the HTML report, ssh-keygen, and those
# that are named as arguments.
set -eu
missing=""
command -v ssh-keygen >/dev/null 2>&1 || missing="openssh-client"
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
    command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
for name in "$@"; do
    package=$name
    if [ "$name" = java ]; then package=default-jre-headless; fi
    command -v "$name" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -z "$missing" ]; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing for the tests: $missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    # shellcheck disable=SC2086 # several words
    apt-get install -y -qq --no-install-recommends $missing >&2
    exit 0
fi
echo "The tests need these programs: $missing. Install them, on Debian with: sudo apt-get install $missing" >&2
exit 1
