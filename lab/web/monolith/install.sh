#!/bin/sh
# Installs this release into $HOME/app and starts it. Run in the unpacked release; running it again changes nothing.
set -eu
release=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
version=$(cat "$release/app/VERSION")
if [ -f "$HOME/app/VERSION" ] && [ "$(cat "$HOME/app/VERSION")" = "$version" ] && "$HOME/app/bin/shop" status >/dev/null 2>&1; then
  echo "shop $version runs already"
  exit 0
fi
mkdir -p "$HOME/app/run"
for part in monolith bin VERSION; do
  rm -rf "$HOME/app/$part.new"
  cp -R "$release/app/$part" "$HOME/app/$part.new"
  rm -rf "${HOME:?}/app/$part"
  mv "$HOME/app/$part.new" "$HOME/app/$part"
done
# what systemctl is on a real server
"$HOME/bin/service" restart
echo "shop $version installed"
