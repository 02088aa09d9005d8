#!/bin/sh
# install.sh FOLDER: installs this release into FOLDER/app and starts it; running it again changes nothing.
set -eu
home=${1:?usage: install.sh FOLDER}
release=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
version=$(cat "$release/app/VERSION")
if [ -f "$home/app/VERSION" ] && [ "$(cat "$home/app/VERSION")" = "$version" ] && "$home/app/bin/shop" status >/dev/null 2>&1; then
  echo "shop $version runs already"
  exit 0
fi
mkdir -p "$home/app"
for part in monolith bin VERSION artisan; do
  [ -e "$release/app/$part" ] || continue
  rm -rf "$home/app/$part.new"
  cp -R "$release/app/$part" "$home/app/$part.new"
  rm -rf "${home:?}/app/$part"
  mv "$home/app/$part.new" "$home/app/$part"
done
if [ -f "$release/app/.env" ]; then
  . "$home/host.env"
  group=$(id -g "$SERVICE_USER")
  mkdir -p "$home/app/bootstrap/cache"
  chgrp "$group" "$home/app/bootstrap/cache" && chmod 2770 "$home/app/bootstrap/cache"
  # a link is livemove's: the settings that are in use stay in use
  if [ ! -L "$home/app/.env" ]; then
    (umask 077 && cp "$release/app/.env" "$home/app/.env.new")
    chgrp "$group" "$home/app/.env.new" && chmod 0640 "$home/app/.env.new"
    mv "$home/app/.env.new" "$home/app/.env"
  fi
fi
# what systemctl is on a real server
"$home/bin/service" restart
echo "shop $version installed"
