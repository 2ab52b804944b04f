package config

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPipe reads a configuration as a shell's <(command) gives it: from a pipe that is written late, and never for ever.
func TestPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(name, 0o600))

	written := make(chan error, 1)
	go func() {
		time.Sleep(50 * time.Millisecond)
		written <- os.WriteFile(name, []byte("a text"), 0o600)
	}()
	text, err := readFileOrPipe(name, 10*time.Second)
	require.NoError(t, err)
	require.NoError(t, <-written)
	require.Equal(t, "a text", string(text))

	_, err = readFileOrPipe(name, 20*time.Millisecond)
	require.EqualError(t, err, name+": nothing was written to the pipe within 20ms")

	open, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	defer open.Close() //nolint:errcheck // nothing was written that matters
	_, err = open.WriteString("half a t")
	require.NoError(t, err)
	_, err = readFileOrPipe(name, 20*time.Millisecond)
	require.EqualError(t, err, name+": the pipe was not closed within 20ms by what writes it")

	_, err = readFileOrPipe("/dev/zero", time.Second)
	require.ErrorContains(t, err, "a pipe, socket or device")
}

// TestPipeByDescriptor reads a pipe by the name that a shell gives it.
func TestPipeByDescriptor(t *testing.T) {
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip("no /dev/fd here")
	}
	name, write := descriptor(t)
	_, err := write.WriteString("models: []\n")
	require.NoError(t, err)
	require.NoError(t, write.Close())
	_, found, err := LoadFile(name)
	require.NoError(t, err)
	require.True(t, found.HasErrors(), "no models")
}

func descriptor(t *testing.T) (name string, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = read.Close() })
	return filepath.Join("/dev/fd", strconv.FormatUint(uint64(read.Fd()), 10)), write
}
