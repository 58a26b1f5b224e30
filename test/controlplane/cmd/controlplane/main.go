// SPDX-License-Identifier: Apache-2.0

// Command controlplane runs etcd, kube-apiserver and, if wanted, kube-controller-manager on the loopback
// interface for the time of a test. It prints one JSON line when they are ready (see state).
//
// It ends, and everything it started with it, on SIGTERM or SIGINT, when stdin reaches its end, when a
// component dies, and even when it is killed itself. SIGHUP kills the API servers and starts them again
// on the same port; SIGUSR1 kills them and leaves them down until SIGHUP. DIR/one-apiserver, where there
// is such a file, holds the number of the only one that the next signal is about.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const startTimeout = 90 * time.Second

type options struct {
	dir                   string
	bin                   string
	servers               int
	etcdRelay             bool
	withControllerManager bool
	admissionExtra        string
	serverArgs            []string
	server                int // the one that a request is about, or everyServer
	noStdin               bool
	detach                bool
}

const usage = `usage: controlplane [start] --dir DIR [flags]   run until stdin ends or SIGTERM
       controlplane stop --dir DIR              end a running one
       controlplane restart-apiserver --dir DIR kill -9 and start the API servers, same port
       controlplane kill-apiserver --dir DIR    kill -9, stay down until restart-apiserver
Both are about every API server, or about the one that --server N names.
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	command := "start"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	switch command {
	case "start":
		if o.detach {
			return detach(o, args)
		}
		return serve(o)
	case "stop":
		return stop(o.dir)
	case "restart-apiserver":
		return request(o.dir, o.server, syscall.SIGHUP)
	case "kill-apiserver":
		return request(o.dir, o.server, syscall.SIGUSR1)
	default:
		return fmt.Errorf("unknown command %q", command)
	}
}

func parse(args []string) (options, error) {
	executable, err := os.Executable()
	if err != nil {
		return options{}, err
	}
	var o options
	flags := flag.NewFlagSet("controlplane", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.dir, "dir", "", "directory of data, logs and kubeconfig; new or empty (required)")
	flags.StringVar(&o.bin, "bin", filepath.Dir(executable), "directory of the components' binaries")
	flags.IntVar(&o.servers, "apiservers", 1, "number of API servers, each on its own loopback address")
	flags.BoolVar(&o.etcdRelay, "etcd-relay", false, "API servers but the first hear from etcd through a relay, "+
		"which holds everything back for the duration in the file DIR/etcd-delay, if there is one")
	flags.IntVar(&o.server, "server", everyServer, "of restart-apiserver and kill-apiserver: the only one, from 0")
	flags.BoolVar(&o.withControllerManager, "with-controller-manager", false,
		"also run "+strings.Join(controllers, ", "))
	flags.StringVar(&o.admissionExtra, "admission-extra", "", "admission plugins to enable, by comma")
	flags.Func("apiserver-arg", "further kube-apiserver argument (may be repeated)", func(s string) error {
		o.serverArgs = append(o.serverArgs, s)
		return nil
	})
	flags.BoolVar(&o.noStdin, "no-stdin", false, "do not end when stdin does")
	flags.BoolVar(&o.detach, "detach", false, "return when ready and leave it running")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.dir == "" {
		return o, errors.New("--dir is required")
	}
	if o.servers < 1 || o.servers > 9 {
		return o, errors.New("--apiservers must be between 1 and 9")
	}
	o.dir, err = filepath.Abs(o.dir)
	return o, err
}

func serve(o options) error {
	lock, err := claim(o.dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	control := watchSignals(cancel)
	if !o.noStdin {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			cancel(errors.New("stdin reached its end"))
		}()
	}
	p, err := newPlane(o)
	if err != nil {
		return err
	}
	defer p.down()
	starting, started := withStartTimeout(ctx)
	err = p.up(starting)
	started()
	if err != nil {
		return err
	}
	line, err := p.publish()
	if err != nil {
		return err
	}
	if _, err := os.Stdout.Write(line); err != nil {
		return err
	}
	return supervise(ctx, p, control)
}

// watchSignals ends the context on SIGTERM and SIGINT and hands on the requests.
func watchSignals(cancel context.CancelCauseFunc) <-chan os.Signal {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	go func() { cancel(fmt.Errorf("received signal: %v", <-ends)) }()
	control := make(chan os.Signal, 1)
	signal.Notify(control, syscall.SIGHUP, syscall.SIGUSR1)
	signal.Ignore(syscall.SIGPIPE)
	return control
}

// supervise returns nil when the end was asked for.
func supervise(ctx context.Context, p *plane, control <-chan os.Signal) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case dead := <-p.deaths:
			return dead.failure()
		case received := <-control:
			if err := obey(ctx, p, received); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

func obey(ctx context.Context, p *plane, received os.Signal) error {
	servers, err := p.requested()
	if err != nil {
		return err
	}
	p.killAPIServers(servers)
	if received == syscall.SIGHUP {
		starting, started := withStartTimeout(ctx)
		defer started()
		if err := p.startAPIServers(starting, servers); err != nil {
			return err
		}
	}
	p.generation++
	_, err = p.publish()
	return err
}

func withStartTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %v", startTimeout))
}
