#!/usr/bin/env bash
# Checks the TypeScript client: that its types are those of the API's description, that it compiles strictly, that its
# tests pass, and that console, simulator and widget use the API as it is described.
#
#   clients/typescript/check.sh [--work FOLDER] [types] [compile] [test] [pages]
#
# Without steps, all of them. Everything is made in FOLDER (default: a temporary one), nothing in the checkout; a FOLDER
# that was used before keeps its packages. `switchboard` is found by PATH, or as SWITCHBOARD says. `types --write` brings
# src/types.ts up to date instead of comparing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
switchboard=${SWITCHBOARD:-switchboard}
work=""
write=""
steps=()
while [ $# -gt 0 ]; do
  case $1 in
    --work) work=$2; shift ;;
    --write) write=yes ;;
    *) steps+=("$1") ;;
  esac
  shift
done
[ ${#steps[@]} -gt 0 ] || steps=(types compile test pages)
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

say() { printf -- '-- %s\n' "$*"; }

copy() {
  mkdir -p "$work"
  rm -rf "$work/src" "$work/test" "$work/build"
  cp -r "$here/src" "$here/test" "$here"/*.json "$here"/*.mjs "$here/.npmrc" "$work/"
}

install() {
  [ -d "$work/node_modules/typescript" ] && return
  npm install --silent --no-audit --no-fund --prefix "$work"
}

check_types() {
  say "types: those of the API's description"
  $switchboard openapi --output "$work/openapi.json"
  (cd "$work" && npm run --silent generate)
  if [ -n "$write" ]; then
    cp "$work/src/types.ts" "$here/src/types.ts"
  elif ! diff -u "$here/src/types.ts" "$work/src/types.ts" > "$work/types.diff"; then
    head -60 "$work/types.diff"
    echo "src/types.ts is not of this API: run clients/typescript/check.sh types --write" >&2
    return 1
  fi
}

check_compile() {
  say "compile: strictly"
  (cd "$work" && node_modules/.bin/tsc -p tsconfig.json --noEmit && node_modules/.bin/tsc -p tsconfig.build.json)
}

check_test() {
  say "test: against a fake gateway"
  (cd "$work" && node_modules/.bin/tsc -p tsconfig.json && node --test build/test/)
}

check_pages() {
  say "pages: console, simulator and widget, by the same types"
  "$work/node_modules/.bin/tsc" -p "$here/checkjs.json"
}

copy
install
for step in "${steps[@]}"; do
  "check_$step"
done
say "the TypeScript client is in order"
