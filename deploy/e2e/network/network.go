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

// inside tells the second incarnation of a program that it is the second.
const inside = "VARIANT_EXPORTER_E2E_NETWORK"

// Isolate runs the program that calls it a second time, in a new network, and ends the first with the exit code of the second.
// In the second it returns. It takes either root or a kernel that lets users have namespaces.
func Isolate() error {
	if os.Getenv(inside) != "" {
		return raiseLoopback()
	}
	attributes := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:noctx // It ends when this process does.
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = attributes
	err = cmd.Run()
	if err == nil {
		os.Exit(0) //nolint:forbidigo // The second incarnation has done all there was to do.
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(failed.ExitCode()) //nolint:forbidigo // The second incarnation has done all there was to do.
	}
	return fmt.Errorf("enter a network namespace: %w", err)
}

// raiseLoopback sets the only device up, which gives it its addresses.
func raiseLoopback() error {
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
