// SPDX-License-Identifier: Apache-2.0

// Command xds asks an Envoy Gateway what a proxy of it asks, and says what it is told: for each answer about
// clusters one JSON line on stdout with all clusters that the proxy then has, and how each is spoken to.
//
// It asks again when the controller goes away and comes back, and ends when stdin does, or on SIGTERM or SIGINT.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

type options struct {
	address    string
	serverName string
	certs      string
	cluster    string
	node       string
}

// report is one line of output. Time is in seconds since 1970, taken when the message had arrived.
type report struct {
	Time       float64           `json:"time"`
	What       string            `json:"what"` // connected, answer, lost
	Connection int               `json:"connection"`
	Version    string            `json:"version,omitempty"`
	Clusters   map[string]speech `json:"clusters,omitempty"` // only of an answer: all of them
	Problem    string            `json:"problem,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "xds:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	dial, err := dialer(o)
	if err != nil {
		return err
	}
	// A proxy waits up to 30 seconds before it tries again; here the answer's own time is wanted.
	retry := grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1, MaxDelay: 50 * time.Millisecond},
		MinConnectTimeout: time.Second,
	}
	connection, err := grpc.NewClient("passthrough:///"+o.address, grpc.WithContextDialer(dial),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithConnectParams(retry))
	if err != nil {
		return err
	}
	defer connection.Close()
	follow(ctx, connection, o)
	return nil
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("xds", flag.ContinueOnError)
	flags.StringVar(&o.address, "address", "127.0.0.1:18000", "where the controller serves")
	flags.StringVar(&o.serverName, "server-name", "envoy-gateway", "the name that its certificate has to be for")
	flags.StringVar(&o.certs, "certs", "", "directory of ca.crt, tls.crt and tls.key of a proxy (required)")
	flags.StringVar(&o.cluster, "cluster", "", "the Gateway, NAMESPACE/NAME (required)")
	flags.StringVar(&o.node, "node", "proxy-0", "the name of the proxy")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.certs == "" || o.cluster == "" || flags.NArg() > 0 {
		return o, errors.New("--certs and --cluster are required, and nothing but flags is taken")
	}
	return o, nil
}

// dialer makes connections with mutual TLS. gRPC's own credentials are of no use: they insist on ALPN, which these
// controllers do not negotiate.
func dialer(o options) (func(context.Context, string) (net.Conn, error), error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(o.certs, "tls.crt"), filepath.Join(o.certs, "tls.key"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(o.certs, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s/ca.crt has no certificate", o.certs)
	}
	mutual := &tls.Dialer{Config: &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: roots, ServerName: o.serverName, MinVersion: tls.VersionTLS13,
	}}
	return func(ctx context.Context, address string) (net.Conn, error) {
		made, err := mutual.DialContext(ctx, "tcp", address)
		if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			fmt.Fprintln(os.Stderr, "xds:", err)
		}
		return made, err
	}, nil
}

// follow opens one stream after the other, until the context ends.
func follow(ctx context.Context, connection grpc.ClientConnInterface, o options) {
	for number := 1; ctx.Err() == nil; number++ {
		err := subscribe(ctx, connection, o, func(r report) {
			r.Connection = number
			emit(r)
		})
		if ctx.Err() == nil {
			emit(report{What: "lost", Connection: number, Problem: err.Error()})
		}
	}
}

func emit(r report) {
	r.Time = float64(time.Now().UnixMicro()) / 1e6
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
