#!/usr/bin/env bash
# Builds the components of the chain from the Go module proxy, once: each into a directory of the cache that has its version in its
# name, so that a newer version is built beside the older one. SET is "chain", the default, or "engines": other engines of PromQL.
#
#   build.sh [SET]              builds what is missing
#   build.sh --missing [SET]    says what is missing, nothing when all is there
#   build.sh --directory PART   says where a part is
set -euo pipefail
cd / # in no module

readonly cache=${E2E_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/variant_exporter/e2e}
readonly chain=(kubernetes etcd kwok kube-state-metrics prometheus-operator prometheus keda)
readonly engines=(victoria-metrics thanos prometheus)

declare -rA versions=(
	[kubernetes]=1.37.2
	[etcd]=3.7.3
	[kwok]=0.8.0
	[kube-state-metrics]=2.20.0
	[prometheus-operator]=0.93.0
	[keda]=2.21.0
	[prometheus]=0.316.0
	[victoria-metrics]=1.150.0
	[thanos]=0.42.4
)

directory() { printf '%s/%s-%s-%s\n' "$cache" "$1" "${versions[$1]}" "$(go env GOARCH)"; }

# present PART: a part is there once all of it is, because its directory gets its name last. To the chain any Prometheus is as good.
present() {
	[ -d "$(directory "$1")" ] || { [ "$1" = prometheus ] && [ "$set" = chain ] && command -v prometheus >/dev/null; }
}

# module DIRECTORY LINE...: makes a main module with these lines, to build the programs of its requirements in.
module() {
	mkdir -p "$1"
	printf '%s\n' 'module e2e' '' 'go 1.26.0' '' "${@:2}" >"$1/go.mod"
}

# program MODULE PACKAGE OUTPUT [BUILD-FLAG...]
program() {
	(cd "$1" && GOFLAGS='-mod=mod -buildvcs=false' go build -trimpath -ldflags "-s -w ${ldflags:-}" "${@:4}" -o "$3" "$2")
}

# source_of MODULE@VERSION: downloads a module, and says where its files are.
source_of() {
	GOFLAGS=-mod=mod go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p'
}

# Kubernetes requires the modules it publishes itself at v0.0.0, replaced by its own tree, which its module does not contain.
# Replacing each by what was published with the same release gives the same code.
build_kubernetes() {
	local minor=${version#1.} source package=k8s.io/component-base/version
	source=$(source_of "k8s.io/kubernetes@v$version")
	module "$work" "require k8s.io/kubernetes v$version" 'replace (' \
		"$(sed -n "s#^[[:space:]]*\(k8s.io/[a-z-]*\) => ./staging/.*#\t\1 => \1 v0.$minor#p" "$source/go.mod")" ')'
	local ldflags="-X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%.*} -X $package.gitTreeState=clean"
	local name
	for name in kube-apiserver kube-controller-manager kube-scheduler; do
		program "$work" "k8s.io/kubernetes/cmd/$name" "$out/$name"
	done
}

build_etcd() {
	module "$work" "require go.etcd.io/etcd/server/v3 v$version"
	program "$work" go.etcd.io/etcd/server/v3 "$out/etcd"
}

build_kwok() {
	module "$work" "require sigs.k8s.io/kwok v$version"
	program "$work" sigs.k8s.io/kwok/cmd/kwok "$out/kwok"
}

# With the Kubernetes libraries of the control plane, which are compiled already.
build_kube-state-metrics() {
	local libraries=v0.${versions[kubernetes]#1.}
	module "$work" "require k8s.io/kube-state-metrics/v2 v$version" 'require (' \
		"k8s.io/api $libraries" "k8s.io/apimachinery $libraries" "k8s.io/apiserver $libraries" "k8s.io/client-go $libraries" \
		"k8s.io/component-base $libraries" "k8s.io/component-helpers $libraries" ')'
	program "$work" k8s.io/kube-state-metrics/v2 "$out/kube-state-metrics"
}

# Of the operator, the definitions of its resources: those against which generated monitors and rules are validated.
build_prometheus-operator() {
	local source
	source=$(source_of "github.com/prometheus-operator/prometheus-operator@v$version")
	cp "$source"/example/prometheus-operator-crd/monitoring.coreos.com_{podmonitors,prometheusrules,servicemonitors}.yaml "$out/"
}

build_keda() {
	local source
	source=$(source_of "github.com/kedacore/keda/v2@v$version")
	# A replacement in KEDA's own go.mod, which does not reach those who require KEDA.
	module "$work" "require github.com/kedacore/keda/v2 v$version" "$(grep -E '^replace .* => ' "$source/go.mod" || true)"
	program "$work" github.com/kedacore/keda/v2/cmd/operator "$out/keda-operator"
	program "$work" github.com/kedacore/keda/v2/cmd/adapter "$out/keda-adapter"
	mkdir "$out/crds"
	cp "$source"/config/crd/bases/*.yaml "$out/crds/"
	cp "$source/config/rbac/role.yaml" "$source/config/service_account/service_account.yaml" "$out/"
}

build_prometheus() {
	module "$work" "require github.com/prometheus/prometheus v$version"
	program "$work" github.com/prometheus/prometheus/cmd/prometheus "$out/prometheus" -tags remove_all_sd
}

# The single-node program. The programs of a cluster are of another branch, whose versions the proxy does not have.
build_victoria-metrics() {
	module "$work" "require github.com/VictoriaMetrics/VictoriaMetrics v$version"
	program "$work" github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics "$out/victoria-metrics"
}

build_thanos() {
	local source
	source=$(source_of "github.com/thanos-io/thanos@v$version")
	# Replacements do not reach those who require a module.
	module "$work" "require github.com/thanos-io/thanos v$version" "$(sed -n '/^replace ($/,/^)$/p' "$source/go.mod")"
	program "$work" github.com/thanos-io/thanos/cmd/thanos "$out/thanos" -tags slicelabels
}

# build PART, in a shell of its own, so that what it leaves unfinished is removed however it ends.
build() (
	part=$1 version=${versions[$1]} started=$SECONDS
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.$part-module-XXXXXX")
	out=$(mktemp -d "$cache/.$part-XXXXXX")
	trap 'rm -rf "$work" "$out"' EXIT
	echo "building $part $version"
	"build_$part"
	chmod -R u=rwX,go=rX "$out" # files of the module cache are read-only, and so are their copies
	mv -T "$out" "$(directory "$part")"
	echo "built $part $version in $((SECONDS - started)) s"
)

action=build
case ${1:-} in
--directory)
	directory "$2"
	exit
	;;
--missing)
	action=missing
	shift
	;;
esac
set=${1:-chain}
case $set in
chain) parts=("${chain[@]}") ;;
engines) parts=("${engines[@]}") ;;
*)
	echo "usage: build.sh [--missing] [chain | engines], build.sh --directory PART" >&2
	exit 2
	;;
esac

missing=()
for part in "${parts[@]}"; do present "$part" || missing+=("$part"); done
if [ "$action" = build ]; then
	for part in "${missing[@]}"; do build "$part"; done
elif [ ${#missing[@]} != 0 ]; then
	echo "${missing[*]}"
fi
