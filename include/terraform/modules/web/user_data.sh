#!/bin/sh
# A new web server: what livemove and most releases need. Canonical's images carry the SSM agent already.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends ca-certificates curl mariadb-client unzip
if ! command -v aws >/dev/null; then
  snap install aws-cli --classic
fi
