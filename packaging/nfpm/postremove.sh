#!/bin/sh
# dpkg: remove, purge, upgrade NEW-VERSION; rpm: how many stay.
set -e

if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
# What modules of an earlier version left, compiled.
case "$1" in remove | 0) rm -rf /usr/lib/dropwatchd ;; esac
# Written by hand for the upload; the second may have a password.
if [ "$1" = purge ]; then rm -f /etc/dropwatchd/upload.env /etc/dropwatchd/upload.pgpass; fi
# The history is what the package is for, and nobody can record it again: it goes when that is asked for.
case "$1" in
    purge | 0)
        if [ -d /var/lib/dropwatchd ]; then
            if [ "$DROPWATCHD_HISTORY" = remove ]; then
                rm -rf /var/lib/dropwatchd
            elif ! rmdir /var/lib/dropwatchd 2>/dev/null; then
                echo "dropwatchd: the history stays in /var/lib/dropwatchd; this removes it: rm -r /var/lib/dropwatchd"
            fi
        fi ;;
esac
