#!/bin/sh
# A new web server: what livemove and most releases need. Canonical's images carry the SSM agent already.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -qy --no-install-recommends ca-certificates curl mariadb-client unzip
if ! command -v aws >/dev/null; then
  snap install aws-cli --classic
fi
# Canonical's images have the SSM agent as a snap. A refresh replaces the folder in which its commands begin and restarts
# it: not during a migration. Held for 90 days; `snap refresh --unhold amazon-ssm-agent` ends that.
# https://snapcraft.io/docs/manage-updates
if snap list amazon-ssm-agent >/dev/null 2>&1; then
  snap refresh --hold=2160h amazon-ssm-agent
fi
