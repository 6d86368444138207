#!/bin/sh
# See to it that the Chromium that the tests of the HTML report open is there.
set -eu
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing Chromium for the tests of the HTML report" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends chromium >&2
    exit 0
fi
echo "The tests of the HTML report need Chromium. Install it, on Debian with: sudo apt-get install chromium" >&2
exit 1
