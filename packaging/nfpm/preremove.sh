#!/bin/sh
# dpkg: remove, or upgrade NEW-VERSION; rpm: how many stay.
set -e

case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then systemctl stop dropwatchd-upload.service dropwatchd.service; fi
        systemctl disable dropwatchd-upload.service dropwatchd.service
        find /usr/lib/dropwatchd -name __pycache__ -prune -exec rm -r {} + ;;
esac
