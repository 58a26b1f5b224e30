// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// The kernel sends Pdeathsig when the *thread* that forked ends. The main goroutine keeps the main
// thread, which ends only with the process, and start is called from the main goroutine alone.
func init() {
	runtime.LockOSThread()
}

// process is a running component. It leads its own process group, so that a terminal's interrupt reaches
// the launcher alone and kill takes its descendants along.
type process struct {
	name    string
	logPath string
	cmd     *exec.Cmd
	done    chan struct{}
	killed  atomic.Bool
}

// deaths receives the components that ended without being killed by us.
type deaths chan *process

func start(binary, name, logPath string, args []string, unasked deaths) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(binary, args...)
	cmd.Env = environment()
	cmd.Stdout = log
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, logPath: logPath, cmd: cmd, done: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.done)
		if !p.killed.Load() {
			unasked <- p
		}
	}()
	return p, nil
}

// environment leaves out ETCD_*: etcd reads every flag from there too.
func environment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "ETCD_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (p *process) pid() int {
	return p.cmd.Process.Pid
}

// kill waits for the end, so the port is free afterwards. Components get no chance to shut down: their
// state is thrown away, and a graceful kube-apiserver would take seconds.
func (p *process) kill() {
	p.killed.Store(true)
	syscall.Kill(-p.pid(), syscall.SIGKILL)
	<-p.done
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// failure explains an end nobody asked for.
func (p *process) failure() error {
	return fmt.Errorf("%s ended: %v; last lines of %s:\n%s", p.name, p.cmd.ProcessState, p.logPath,
		tail(p.logPath, 15))
}

func tail(path string, lines int) []byte {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	all := bytes.Split(bytes.TrimRight(content, "\n"), []byte("\n"))
	return bytes.Join(all[max(0, len(all)-lines):], []byte("\n"))
}

// await polls until check succeeds, the component ends, or the context does.
func (p *process) await(ctx context.Context, check func(context.Context) error) error {
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := check(attempt)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.failure()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (last answer: %v)", p.name, context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}

func writeAtomically(path string, content []byte, mode os.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Chmod(temporary.Name(), mode); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
