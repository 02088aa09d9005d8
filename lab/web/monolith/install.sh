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
for part in monolith bin VERSION; do
  rm -rf "$home/app/$part.new"
  cp -R "$release/app/$part" "$home/app/$part.new"
  rm -rf "${home:?}/app/$part"
  mv "$home/app/$part.new" "$home/app/$part"
done
# what systemctl is on a real server
"$home/bin/service" restart
echo "shop $version installed"
