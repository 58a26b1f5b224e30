// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// state is the line on stdout and the content of DIR/controlplane.json.
type state struct {
	Kubeconfig   string         `json:"kubeconfig"`
	Server       string         `json:"server"`
	Servers      []string       `json:"servers"`
	Dir          string         `json:"dir"`
	AuditLogs    []string       `json:"auditLogs"`
	Pids         map[string]int `json:"pids"`
	Bin          string         `json:"bin"`
	StartSeconds float64        `json:"startSeconds"`
	// Generation counts the times the API servers were brought down or up again on request.
	Generation int `json:"generation"`
}

// plane is one running control plane. Only the main goroutine uses it.
type plane struct {
	options options
	layout
	client            *http.Client
	reservations      []reservation
	etcd              *process
	relay             *relay
	apiServers        []*process
	controllerManager *process
	deaths            deaths
	generation        int
	startTime         time.Duration
}

func newPlane(o options) (*plane, error) {
	p := &plane{
		options: o,
		layout:  layout{dir: o.dir, auditPolicy: filepath.Join(o.dir, "audit.yaml")},
		deaths:  make(deaths, 16),
	}
	for _, port := range []*int{&p.clientPort, &p.peerPort, &p.serverPort} {
		reserved, err := reservePort()
		if err != nil {
			return nil, err
		}
		p.reservations = append(p.reservations, reserved)
		*port = reserved.port
	}
	var addresses []net.IP
	for index := range o.servers {
		addresses = append(addresses, serverIP(index))
	}
	var err error
	if p.pki, err = writePKI(p.file("pki"), addresses); err != nil {
		return nil, err
	}
	if p.client, err = adminClient(p.pki); err != nil {
		return nil, err
	}
	err = os.WriteFile(p.auditPolicy, []byte(auditPolicy), 0o600)
	return p, errors.Join(err, p.writeKubeconfigs())
}

func (p *plane) writeKubeconfigs() error {
	admin := p.kubeconfigOf(p.pki.admin, p.options.servers)
	manager := p.kubeconfigOf(p.pki.controllerManager, p.options.servers)
	return errors.Join(
		os.WriteFile(p.file("kubeconfig"), admin, 0o600),
		os.WriteFile(p.file("controller-manager.kubeconfig"), manager, 0o600))
}

func adminClient(p *pki) (*http.Client, error) {
	certificate, err := tls.X509KeyPair(p.admin.cert, p.admin.key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.caPEM)
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{
			Certificates: []tls.Certificate{certificate}, RootCAs: roots, MinVersion: tls.VersionTLS12,
		},
	}}, nil
}

// up returns when the servers are ready and, with a controller manager, when its controllers work.
func (p *plane) up(ctx context.Context) error {
	began := time.Now()
	var err error
	p.etcd, err = p.start("etcd", "etcd", p.etcdArgs())
	if err != nil {
		return err
	}
	if err := p.etcd.await(ctx, p.get(p.etcdURL()+"/readyz")); err != nil {
		return err
	}
	if p.options.etcdRelay {
		etcd := fmt.Sprintf("127.0.0.1:%d", p.clientPort)
		if p.relay, err = startRelay(etcd, p.file("etcd-delay")); err != nil {
			return err
		}
		p.relayed = p.relay.address()
	}
	p.apiServers = make([]*process, p.options.servers)
	if err := p.startAPIServers(ctx, p.everyAPIServer()); err != nil {
		return err
	}
	if p.options.withControllerManager {
		if err := p.startControllerManager(ctx); err != nil {
			return err
		}
	}
	p.startTime = time.Since(began)
	return nil
}

func (p *plane) everyAPIServer() []int {
	var indices []int
	for index := range p.options.servers {
		indices = append(indices, index)
	}
	return indices
}

// requested are those that the request under way is about.
func (p *plane) requested() ([]int, error) {
	index, err := takeRequestedServer(p.dir)
	if err != nil || index == everyServer {
		return p.everyAPIServer(), err
	}
	if index < 0 || index >= p.options.servers {
		return nil, fmt.Errorf("there is no API server %d", index)
	}
	return []int{index}, nil
}

func (p *plane) startAPIServers(ctx context.Context, indices []int) error {
	for _, index := range indices {
		server, err := p.start("kube-apiserver", numbered("kube-apiserver", index),
			p.apiServerArgs(index, &p.options))
		if err != nil {
			return err
		}
		p.apiServers[index] = server
	}
	for _, index := range indices {
		if err := p.apiServers[index].await(ctx, p.get(p.serverURL(index)+"/readyz")); err != nil {
			return err
		}
	}
	return nil
}

// startControllerManager: a namespace's default ServiceAccount is made by a controller, so its presence
// shows that they run.
func (p *plane) startControllerManager(ctx context.Context) error {
	const name = "kube-controller-manager"
	var err error
	p.controllerManager, err = p.start(name, name,
		p.controllerManagerArgs(p.file("controller-manager.kubeconfig")))
	if err != nil {
		return err
	}
	return p.controllerManager.await(ctx,
		p.get(p.serverURL(0)+"/api/v1/namespaces/default/serviceaccounts/default"))
}

func (p *plane) start(binary, name string, args []string) (*process, error) {
	return start(filepath.Join(p.options.bin, binary), name, p.file(name+".log"), args, p.deaths)
}

func (p *plane) get(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := p.client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", response.Status, body)
		}
		return nil
	}
}

func (p *plane) killAPIServers(indices []int) {
	for _, index := range indices {
		p.apiServers[index].kill()
	}
}

func (p *plane) down() {
	if p.relay != nil {
		p.relay.close()
	}
	for _, component := range p.components() {
		component.kill()
	}
}

// components lists what was started, the last first.
func (p *plane) components() []*process {
	var all []*process
	if p.controllerManager != nil {
		all = append(all, p.controllerManager)
	}
	for _, server := range p.apiServers {
		if server != nil {
			all = append(all, server)
		}
	}
	if p.etcd != nil {
		all = append(all, p.etcd)
	}
	return all
}

func (p *plane) state() *state {
	s := &state{
		Kubeconfig: p.file("kubeconfig"), Server: p.serverURL(0), Dir: p.dir, Bin: p.options.bin,
		Pids:         map[string]int{"launcher": os.Getpid()},
		StartSeconds: math.Round(p.startTime.Seconds()*100) / 100,
		Generation:   p.generation,
	}
	for index := range p.options.servers {
		s.Servers = append(s.Servers, p.serverURL(index))
		s.AuditLogs = append(s.AuditLogs, p.auditLog(index))
	}
	for _, component := range p.components() {
		if component.running() {
			s.Pids[component.name] = component.pid()
		}
	}
	return s
}

// publish writes the state file last: whoever reads a new generation there may use the servers.
func (p *plane) publish() ([]byte, error) {
	line, err := json.Marshal(p.state())
	if err != nil {
		return nil, err
	}
	line = append(line, '\n')
	return line, writeAtomically(p.file("controlplane.json"), line, 0o644)
}
