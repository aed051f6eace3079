#!/bin/sh
# Installs into build/npm ($TINYDNN_NPM) what judges run in Node.js. Without npm, or without a network,
# they are skipped; that is no failure.
cd "$(dirname "$0")/.." || exit 2
to=${TINYDNN_NPM:-build/npm}
packages='@tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu @tensorflow/tfjs-converter'

command -v npm >/dev/null || {
    echo "npm.sh: no npm: the judges that run in Node.js will be skipped" >&2
    exit 0
}
missing=''
for package in $packages; do
    [ -d "$to/node_modules/$package" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
mkdir -p "$to" && [ -f "$to/package.json" ] || echo '{"private": true}' >"$to/package.json"
# shellcheck disable=SC2086 # words
npm install --prefix "$to" --ignore-scripts --no-audit --no-fund $packages >"$to/npm.log" 2>&1 ||
    echo "npm.sh: npm install failed, see $to/npm.log: these judges will be skipped" >&2
exit 0
