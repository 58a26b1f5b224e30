// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	lockName      = "launcher.lock"
	oneServerName = "one-apiserver"
	everyServer   = -1
)

// claim makes dir this launcher's own. The lock file holds our process id and stays locked while we live,
// so that stop never signals a stranger that got the same id later.
func claim(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		lock.Close()
		return nil, fmt.Errorf("%s is in use by a running control plane; stop it or name another directory", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "etcd")); err == nil {
		lock.Close()
		return nil, fmt.Errorf("%s holds the state of an earlier run; remove it or name another directory", dir)
	}
	_, err = fmt.Fprintf(lock, "%d\n", os.Getpid())
	return lock, err
}

// launcherOf returns the process id of the launcher that runs in dir, and its open lock file.
func launcherOf(dir string) (int, *os.File, error) {
	lock, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return 0, nil, err
	}
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		lock.Close()
		return 0, nil, fmt.Errorf("no control plane runs in %s", dir)
	}
	line, err := bufio.NewReader(lock).ReadString('\n')
	if err != nil {
		lock.Close()
		return 0, nil, fmt.Errorf("read %s: %w", lock.Name(), err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	return pid, lock, err
}

// stop returns when the launcher is gone; the components end before it.
func stop(dir string) error {
	pid, lock, err := launcherOf(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return err
	}
	for range 200 {
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return syscall.Kill(pid, syscall.SIGKILL)
}

// takeRequestedServer returns which API server the request under way names, everyServer where none.
func takeRequestedServer(dir string) (int, error) {
	path := filepath.Join(dir, oneServerName)
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return everyServer, nil
	}
	if err != nil {
		return everyServer, err
	}
	if err := os.Remove(path); err != nil {
		return everyServer, err
	}
	return strconv.Atoi(string(content))
}

// request signals the launcher and returns when it has published the outcome. One at a time.
func request(dir string, server int, signal syscall.Signal) error {
	pid, lock, err := launcherOf(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	before, err := generationOf(dir)
	if err != nil {
		return err
	}
	if server != everyServer {
		// The launcher would end with it.
		if _, err := os.Stat(filepath.Join(dir, numbered("kube-apiserver", server)+".log")); err != nil {
			return fmt.Errorf("there is no API server %d: %w", server, err)
		}
		path := filepath.Join(dir, oneServerName)
		if err := writeAtomically(path, []byte(strconv.Itoa(server)), 0o644); err != nil {
			return err
		}
	}
	if err := syscall.Kill(pid, signal); err != nil {
		return err
	}
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		if now, err := generationOf(dir); err == nil && now > before {
			return nil
		}
		if syscall.Kill(pid, 0) != nil {
			return fmt.Errorf("the control plane ended; see the logs in %s", dir)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("no answer after %v; see the logs in %s", startTimeout, dir)
}

func generationOf(dir string) (int, error) {
	content, err := os.ReadFile(filepath.Join(dir, "controlplane.json"))
	if err != nil {
		return 0, fmt.Errorf("the control plane in %s is not ready yet: %w", dir, err)
	}
	var s state
	err = json.Unmarshal(content, &s)
	return s.Generation, err
}

// detach runs the launcher in a session of its own and returns with its line. Its errors are in
// DIR/launcher.log.
func detach(o options, args []string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	logPath := filepath.Join(o.dir, "launcher.log")
	log, err := os.Create(logPath)
	if err != nil {
		return err
	}
	defer log.Close()
	launcher := exec.Command(executable, append(append([]string{"start"}, args...), "--detach=false",
		"--no-stdin")...)
	launcher.Stderr = log
	launcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	output, err := launcher.StdoutPipe()
	if err != nil {
		return err
	}
	if err := launcher.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		launcher.Wait()
		return errors.New(string(tail(logPath, 30)))
	}
	_, err = os.Stdout.Write(line)
	return err
}
