#!/bin/sh
# python.sh DIR: make the root of a Debian with Python in DIR, as python:3.11-slim-bookworm has it for our purposes:
# `python3`, `venv`, certificates. The machine's own certificates are trusted, because an inspecting proxy may stand
# between it and the package registries.
set -eu
root=$1
# From where this machine has its packages, if it is a Debian of that name; a mirror may be busy once.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Codename: bookworm' 2>/dev/null | head -n 1)
fetch() {
    rm -rf "$root"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" ${mirror:+"$mirror"}
}
fetch || { sleep 5; fetch; }
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
ln -sf /usr/bin/python3 "$root/usr/local/bin/python3"
ln -sf /usr/bin/python3 "$root/usr/local/bin/python"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
