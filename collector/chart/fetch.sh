#!/bin/sh
# Fetches scripts from npm, each by its integrity hash: those that the pages need into this folder, to be checked in, and axe-core, which
# only tests use, into the user's cache. Usage: fetch.sh uplot|axe-core
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch NAME VERSION SHA512 unpacks a package into $work/package.
fetch() {
	curl -fsSL --max-time 60 -o "$work/$1.tgz" "https://registry.npmjs.org/$1/-/$1-$2.tgz"
	found=$(openssl dgst -sha512 -binary "$work/$1.tgz" | openssl base64 -A)
	if [ "$found" != "$3" ]; then
		echo "$1 $2 is not what it was: sha512-$found, want sha512-$3" >&2
		exit 1
	fi
	tar -xzf "$work/$1.tgz" -C "$work"
}

case "${1:-}" in
uplot)
	fetch uplot 1.6.32 'KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw=='
	mkdir -p uplot
	cp "$work/package/dist/uPlot.iife.min.js" "$work/package/dist/uPlot.min.css" "$work/package/LICENSE" uplot/
	;;
axe-core)
	target=${XDG_CACHE_HOME:-$HOME/.cache}/variant_exporter/axe-core-4.14.1.min.js
	fetch axe-core 4.14.1 'FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=='
	mkdir -p "$(dirname "$target")"
	cp "$work/package/axe.min.js" "$target"
	;;
*)
	echo 'usage: fetch.sh uplot|axe-core' >&2
	exit 2
	;;
esac
