// Package process starts the programs of the chain, keeps what they say, and ends them by their own process ids.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// grace is how long a program may take to end when it is asked to, before it is killed.
const grace = 5 * time.Second

// Command is a program to run.
type Command struct {
	// Name is what the program is called here. Its output goes to a file of that name.
	Name string
	// Path is where the program is.
	Path string
	Args []string
	// Env is added to the environment of this process.
	Env []string
}

// Process is a program that was started.
type Process struct {
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // of Wait; set before exited is closed
}

// Group is all that one run has started. Its methods may be called at once.
type Group struct {
	logs string

	mu        sync.Mutex
	processes []*Process
}

// NewGroup returns an empty group, whose programs write to files in a directory that exists.
func NewGroup(logs string) *Group {
	return &Group{logs: logs}
}

// Start runs a program until it is stopped, killed or the calling process ends. Output of a program that was started again is
// added to its file.
func (g *Group) Start(c Command) (*Process, error) {
	path := filepath.Join(g.logs, c.Name+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	defer func() { _ = log.Close() }() // the program has its own copy
	// A program outlives the context of its caller: it ends with its group.
	cmd := exec.CommandContext(context.Background(), c.Path, c.Args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	// Not in the terminal's process group: an interrupt there is for the calling process, which then ends this one.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	p := &Process{name: c.Name, log: path, cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
	}()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.processes = append(g.processes, p)
	return p, nil
}

// Stop ends what still runs, the last started first.
func (g *Group) Stop() {
	g.mu.Lock()
	processes := slices.Clone(g.processes)
	g.mu.Unlock()
	for _, p := range slices.Backward(processes) {
		p.Stop()
	}
}

// ErrEnded is that a program is not there any more.
var ErrEnded = errors.New("has ended")

// Err says that a program has ended by itself, and why, and is nil while it runs.
func (p *Process) Err() error {
	select {
	case <-p.exited:
		err := p.err
		if err == nil {
			err = errors.New("exit status 0")
		}
		return fmt.Errorf("%s: %w: %w; it said why in %s", p.name, ErrEnded, err, p.log)
	default:
		return nil
	}
}

// Stop asks the program to end, kills it when it does not, and waits until it has ended.
func (p *Process) Stop() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(grace):
		p.Kill()
	}
}

// Kill ends the program without a chance to say goodbye, as a node that is lost does, and waits until it has ended.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
}

func (p *Process) signal(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal) // it may have ended meanwhile
}
