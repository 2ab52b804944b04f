package command

import (
	"runtime/debug"

	"github.com/prometheus/common/version"
)

// StampVersion gives a program that was built without the linker flags of the Makefile the version and revision that Go itself knows: go
// install knows the version of the module, go build that of the checkout. It must run before anything else does.
func StampVersion() {
	info, ok := debug.ReadBuildInfo()
	if ok {
		stamp(info)
	}
}

func stamp(info *debug.BuildInfo) {
	if version.Version == "" && info.Main.Version != "" && info.Main.Version != "(devel)" {
		version.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && version.Revision == "" {
			version.Revision = s.Value
		}
	}
	if version.Version == "" {
		version.Version = "devel"
	}
	if version.Branch == "" {
		version.Branch = "unknown"
	}
}
