// Package network gives a process a network of its own that has nothing but a loopback device. Every port is free there, nothing
// that is started there can be reached from elsewhere, and every address of 127.0.0.0/8 is one that a program can listen on.
package network

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// inside marks the environment of a program that Isolate has started.
const inside = "VARIANT_EXPORTER_E2E_NETWORK"

// Inside reports whether Isolate has started this program.
func Inside() bool { return os.Getenv(inside) != "" }

// Isolate runs the program that calls it a second time, with its arguments, in a new network, and returns the exit code. It adds
// variables to the environment. It takes either root or a kernel that lets users have namespaces.
func Isolate(variables ...string) (code int, err error) {
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:noctx // It ends when this process does.
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), inside+"=1"), variables...)
	cmd.SysProcAttr = attributes
	err = cmd.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		if code = failed.ExitCode(); code < 0 {
			return 0, fmt.Errorf("in the network namespace: %w", err) // killed by a signal
		}
		return code, nil
	}
	if err != nil {
		return 0, fmt.Errorf("enter a network namespace: %w", err)
	}
	return 0, nil
}

// RaiseLoopback sets the only device up, which gives it its addresses. A program calls it first in the new network.
func RaiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("raise the loopback device: %w", err)
	}
	defer func() { _ = unix.Close(socket) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("raise the loopback device: %w", err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_LOOPBACK | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("raise the loopback device: %w", err)
	}
	return nil
}
