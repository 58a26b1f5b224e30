// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// auditPolicy records who did what without bodies; a watch appears when it starts and when it ends.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  nonResourceURLs: [/readyz*, /livez*, /healthz*]
- level: Metadata
`

// controllers are those that work without a node: what a test of deletion, ownership or quota needs.
var controllers = []string{
	"garbage-collector-controller", "namespace-controller", "serviceaccount-controller",
	"resourcequota-controller", "clusterrole-aggregation-controller",
}

// layout holds the addresses and files the components agree on.
type layout struct {
	dir         string
	clientPort  int
	peerPort    int
	serverPort  int
	relayed     string // host:port by which API servers but the first reach etcd; "" is etcd's own
	pki         *pki
	auditPolicy string
}

func (l *layout) file(name string) string {
	return filepath.Join(l.dir, name)
}

func (l *layout) etcdURLOf(index int) string {
	if index == 0 || l.relayed == "" {
		return l.etcdURL()
	}
	return "http://" + l.relayed
}

func (l *layout) etcdURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", l.clientPort)
}

// serverIP gives each API server a loopback address of its own: they can then share one port, as the
// endpoints of the kubernetes Service require.
func serverIP(index int) net.IP {
	return net.IPv4(127, 0, 0, byte(index+1))
}

func (l *layout) serverURL(index int) string {
	return fmt.Sprintf("https://%s:%d", serverIP(index), l.serverPort)
}

func (l *layout) etcdArgs() []string {
	peer := fmt.Sprintf("http://127.0.0.1:%d", l.peerPort)
	return []string{
		"--name=default",
		"--data-dir=" + l.file("etcd"),
		"--listen-client-urls=" + l.etcdURL(),
		"--advertise-client-urls=" + l.etcdURL(),
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=default=" + peer,
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

// apiServerArgs: endpoints must not be loopback addresses, so the advertised ones are from the range
// reserved for documentation (RFC 5737), which nothing here connects to.
func (l *layout) apiServerArgs(index int, o *options) []string {
	args := []string{
		"--etcd-servers=" + l.etcdURLOf(index),
		"--bind-address=" + serverIP(index).String(),
		fmt.Sprintf("--advertise-address=192.0.2.%d", index+1),
		fmt.Sprintf("--secure-port=%d", l.serverPort),
		"--cert-dir=" + l.file("pki"),
		"--tls-cert-file=" + l.pki.serverCert,
		"--tls-private-key-file=" + l.pki.serverKey,
		"--client-ca-file=" + l.pki.ca,
		"--service-cluster-ip-range=10.0.0.0/24",
		"--allow-privileged=true",
		"--authorization-mode=RBAC",
		"--disable-admission-plugins=ServiceAccount",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + l.pki.signingKey,
		"--service-account-signing-key-file=" + l.pki.signingKey,
		"--audit-policy-file=" + l.auditPolicy,
		"--audit-log-path=" + l.auditLog(index),
	}
	if o.admissionExtra != "" {
		args = append(args, "--enable-admission-plugins="+o.admissionExtra)
	}
	return append(args, o.serverArgs...)
}

func (l *layout) auditLog(index int) string {
	return l.file(numbered("audit", index) + ".log")
}

func numbered(name string, index int) string {
	if index == 0 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, index)
}

func (l *layout) controllerManagerArgs(kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + strings.Join(controllers, ","),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + l.pki.signingKey,
		"--root-ca-file=" + l.pki.ca,
		"--leader-elect=false",
		"--secure-port=0",
		"--resource-quota-sync-period=5s",
	}
}

// kubeconfigOf has one context per API server, "server-0" being the current one.
func (l *layout) kubeconfigOf(user keyPair, servers int) []byte {
	base64Of := base64.StdEncoding.EncodeToString
	var clusters, contexts strings.Builder
	for index := range servers {
		fmt.Fprintf(&clusters, "- name: server-%d\n  cluster:\n    server: %s\n"+
			"    certificate-authority-data: %s\n", index, l.serverURL(index), base64Of(l.pki.caPEM))
		fmt.Fprintf(&contexts, "- name: server-%d\n  context:\n    cluster: server-%d\n    user: user\n",
			index, index)
	}
	return fmt.Appendf(nil, "apiVersion: v1\nkind: Config\ncurrent-context: server-0\n"+
		"clusters:\n%scontexts:\n%susers:\n- name: user\n  user:\n    client-certificate-data: %s\n"+
		"    client-key-data: %s\n", &clusters, &contexts, base64Of(user.cert), base64Of(user.key))
}
