// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// withDescendant makes the fake etcd start a process of its own.
const withDescendant = "FAKE_ETCD_WITH_DESCENDANT"

// The test binary plays every part, by the name it is started under: the launcher, and components that
// answer as soon as they run. Only the last test needs the real ones.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "controlplane":
		main()
	case "etcd":
		if os.Getenv(withDescendant) != "" {
			exec.Command("sh", "-c", "sleep 600; : "+flagValue("--data-dir")).Start()
		}
		fail(http.ListenAndServe(strings.TrimPrefix(flagValue("--listen-client-urls"), "http://"), ready))
	case "kube-apiserver":
		fail(listenAndServeTLS())
	case "kube-controller-manager":
		select {}
	default:
		os.Exit(m.Run())
	}
}

var ready = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })

func listenAndServeTLS() error {
	certificate, err := tls.LoadX509KeyPair(flagValue("--tls-cert-file"), flagValue("--tls-private-key-file"))
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr:      net.JoinHostPort(flagValue("--bind-address"), flagValue("--secure-port")),
		Handler:   ready,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
	}
	return server.ListenAndServeTLS("", "")
}

func flagValue(name string) string {
	for _, arg := range os.Args {
		if value, found := strings.CutPrefix(arg, name+"="); found {
			return value
		}
	}
	return ""
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// fakeBin holds a copy of the test binary: the launcher finds itself by /proc/self/exe, not by a link.
func fakeBin(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	content, err := os.ReadFile(self)
	check(t, err)
	bin := t.TempDir()
	check(t, os.WriteFile(filepath.Join(bin, "controlplane"), content, 0o755))
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager"} {
		check(t, os.Symlink("controlplane", filepath.Join(bin, name)))
	}
	return bin
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type launcher struct {
	t      *testing.T
	bin    string
	dir    string
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr *bytes.Buffer
	state  state
}

func launch(t *testing.T, bin string, args ...string) *launcher {
	t.Helper()
	l := &launcher{t: t, bin: bin, dir: filepath.Join(t.TempDir(), "plane"), stderr: &bytes.Buffer{}}
	l.cmd = exec.Command(filepath.Join(bin, "controlplane"), append([]string{"--dir", l.dir}, args...)...)
	l.cmd.Stderr = l.stderr
	stdin, err := l.cmd.StdinPipe()
	check(t, err)
	l.stdin = stdin
	stdout, err := l.cmd.StdoutPipe()
	check(t, err)
	check(t, l.cmd.Start())
	t.Cleanup(func() {
		l.cmd.Process.Kill()
		l.cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		l.cmd.Wait()
		t.Fatalf("no line on stdout: %v: %s", err, l.stderr)
	}
	check(t, json.Unmarshal(line, &l.state))
	return l
}

func (l *launcher) command(name string, flags ...string) error {
	args := append([]string{name, "--dir", l.dir}, flags...)
	out, err := exec.Command(filepath.Join(l.bin, "controlplane"), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

func (l *launcher) published() state {
	l.t.Helper()
	content, err := os.ReadFile(filepath.Join(l.dir, "controlplane.json"))
	check(l.t, err)
	var s state
	check(l.t, json.Unmarshal(content, &s))
	return s
}

// expectNothingLeft looks for our directory in the command line of every process, so that it finds
// descendants too. A zombie, which waits for its new parent, has an empty one.
func expectNothingLeft(t *testing.T, dir string) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if left = processesOf(dir); len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("still running: %v", left)
}

func processesOf(dir string) []string {
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err == nil && bytes.Contains(line, []byte(dir)) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func TestNothingRemainsOnceTheLauncherEnds(t *testing.T) {
	t.Setenv(withDescendant, "1")
	bin := fakeBin(t)
	for name, end := range map[string]func(*launcher) error{
		"on SIGTERM":          func(l *launcher) error { return l.cmd.Process.Signal(syscall.SIGTERM) },
		"on SIGINT":           func(l *launcher) error { return l.cmd.Process.Signal(os.Interrupt) },
		"on end of stdin":     func(l *launcher) error { return l.stdin.Close() },
		"on stop":             func(l *launcher) error { return l.command("stop") },
		"on a dead component": func(l *launcher) error { return syscall.Kill(l.state.Pids["kube-apiserver"], 9) },
	} {
		t.Run(name, func(t *testing.T) {
			l := launch(t, bin, "--with-controller-manager", "--apiservers=2")
			if running := len(processesOf(l.dir)); running != 6 {
				t.Fatalf("%d processes name the directory, want launcher, etcd, its child, and three more", running)
			}
			check(t, end(l))
			expectNothingLeft(t, l.dir)
		})
	}
}

// Only children follow a killed launcher: the real components start no processes of their own.
func TestNoComponentSurvivesAKilledLauncher(t *testing.T) {
	l := launch(t, fakeBin(t), "--with-controller-manager", "--apiservers=2")
	check(t, l.cmd.Process.Kill())
	expectNothingLeft(t, l.dir)
}

func TestADeadComponentIsNamedWithItsLog(t *testing.T) {
	l := launch(t, fakeBin(t))
	check(t, syscall.Kill(l.state.Pids["etcd"], syscall.SIGKILL))
	if l.cmd.Wait() == nil {
		t.Error("the launcher ended as if all were well")
	}
	if !strings.Contains(l.stderr.String(), "etcd ended: signal: killed") ||
		!strings.Contains(l.stderr.String(), "etcd.log") {
		t.Errorf("stderr is %q", l.stderr)
	}
}

func TestARestartedAPIServerReturnsOnTheSamePort(t *testing.T) {
	l := launch(t, fakeBin(t))
	for range 3 {
		before := l.published()
		check(t, l.command("restart-apiserver"))
		after := l.published()
		if after.Pids["kube-apiserver"] == before.Pids["kube-apiserver"] {
			t.Error("the process is still the same")
		}
		if after.Pids["etcd"] != before.Pids["etcd"] {
			t.Error("etcd was restarted too")
		}
		expectReachable(t, l.state.Server, true)
	}
}

func TestAKilledAPIServerStaysDownUntilRestarted(t *testing.T) {
	l := launch(t, fakeBin(t))
	check(t, l.command("kill-apiserver"))
	expectReachable(t, l.state.Server, false)
	if pid, listed := l.published().Pids["kube-apiserver"]; listed {
		t.Errorf("the dead server is listed as %d", pid)
	}
	check(t, l.command("restart-apiserver"))
	expectReachable(t, l.state.Server, true)
}

func TestOneOfSeveralAPIServersIsKilledAlone(t *testing.T) {
	l := launch(t, fakeBin(t), "--apiservers=2")
	before := l.published()
	check(t, l.command("kill-apiserver", "--server=1"))
	expectReachable(t, l.state.Servers[0], true)
	expectReachable(t, l.state.Servers[1], false)
	check(t, l.command("restart-apiserver", "--server=1"))
	expectReachable(t, l.state.Servers[1], true)
	after := l.published()
	if after.Pids["kube-apiserver"] != before.Pids["kube-apiserver"] {
		t.Error("the other server was restarted too")
	}
	if after.Pids["kube-apiserver-1"] == before.Pids["kube-apiserver-1"] {
		t.Error("the process is still the same")
	}
	if err := l.command("kill-apiserver", "--server=2"); err == nil {
		t.Error("a server that is not there was killed")
	}
	expectReachable(t, l.state.Servers[0], true)
}

func expectReachable(t *testing.T, server string, want bool) {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(server, "https://"))
	if err == nil {
		connection.Close()
	}
	if (err == nil) != want {
		t.Errorf("dial %s: error %v, want reachable: %v", server, err, want)
	}
}

func TestADetachedLauncherRunsUntilStopped(t *testing.T) {
	l := launch(t, fakeBin(t), "--detach")
	check(t, l.cmd.Wait())
	expectReachable(t, l.state.Server, true)
	check(t, l.command("stop"))
	expectNothingLeft(t, l.dir)
	if err := l.command("stop"); err == nil || !strings.Contains(err.Error(), "no control plane runs") {
		t.Errorf("a second stop says %v", err)
	}
}

func TestADirectoryServesOneRunOnly(t *testing.T) {
	l := launch(t, fakeBin(t))
	err := l.command("start")
	if err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("a start beside a running one says %v", err)
	}
	check(t, os.Mkdir(filepath.Join(l.dir, "etcd"), 0o755))
	check(t, l.command("stop"))
	err = l.command("start")
	if err == nil || !strings.Contains(err.Error(), "earlier run") {
		t.Errorf("a start over old state says %v", err)
	}
}

func TestPortsOfLaunchersDiffer(t *testing.T) {
	seen := map[int]bool{}
	for range 300 {
		reserved, err := reservePort()
		check(t, err)
		defer reserved.lock.Close()
		if seen[reserved.port] {
			t.Fatalf("port %d was handed out twice", reserved.port)
		}
		seen[reserved.port] = true
	}
}

// The real components come from GATELIFT_CONTROLPLANE_BIN, as `scripts/control-plane path` prints it.
func TestNoRealComponentSurvivesAKilledLauncher(t *testing.T) {
	components := os.Getenv("GATELIFT_CONTROLPLANE_BIN")
	if components == "" {
		t.Skip("GATELIFT_CONTROLPLANE_BIN is not set")
	}
	l := launch(t, fakeBin(t), "--bin="+components)
	if l.state.StartSeconds <= 0 {
		t.Errorf("start took %v s", l.state.StartSeconds)
	}
	check(t, l.cmd.Process.Kill())
	expectNothingLeft(t, l.dir)
}
