package command

import (
	"os/exec"
	"runtime/debug"
	"testing"

	"github.com/prometheus/common/version"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

// TestStamp is about a program that was built without the Makefile.
func TestStamp(t *testing.T) {
	was := []string{version.Version, version.Revision, version.Branch}
	t.Cleanup(func() { version.Version, version.Revision, version.Branch = was[0], was[1], was[2] })
	info := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abcdef"}}}
	for _, tc := range []struct {
		linked, module string
		want           string
	}{{"", "v1.2.3", "v1.2.3"}, {"v9", "v1.2.3", "v9"}, {"", "(devel)", "devel"}, {"", "", "devel"}} {
		version.Version, version.Revision, version.Branch = tc.linked, "", ""
		info.Main.Version = tc.module
		stamp(info)
		require.Equal(t, []string{tc.want, "abcdef", "unknown"}, []string{version.Version, version.Revision, version.Branch})
	}
}

// TestGoBuildIsStamped builds as anyone would.
func TestGoBuildIsStamped(t *testing.T) {
	long.Test(t)
	out, err := exec.CommandContext(t.Context(), build(t), "--version").CombinedOutput()
	require.NoError(t, err)
	require.Regexp(t, `^variant_exporter, version [^ ,]+ \(branch: unknown, revision: `, string(out))
}
