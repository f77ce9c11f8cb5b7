#!/bin/sh
# dpkg: configure [OLD-VERSION]; rpm: how many are installed.
set -e

systemd-sysusers dropwatchd.conf
/usr/lib/dropwatchd/bin/python -m compileall -q /usr/lib/dropwatchd/lib
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
case "$1:$2" in
    configure: | 1:)
        systemctl enable dropwatchd.service
        if [ -d /run/systemd/system ]; then systemctl start dropwatchd.service; fi ;;
    *)
        if [ -d /run/systemd/system ]; then systemctl try-restart dropwatchd.service dropwatchd-upload.service; fi ;;
esac
